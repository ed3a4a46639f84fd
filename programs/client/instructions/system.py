"""The system program."""

import struct

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

PROGRAM = Pubkey.from_string("11111111111111111111111111111111")

_TRANSFER = struct.Struct("<IQ")
_ALLOCATE = struct.Struct("<IQ")
_ASSIGN = struct.Struct("<I32s")


def transfer(source: Pubkey, destination: Pubkey, lamports: int) -> Instruction:
    """Move lamports."""
    accounts = [
        AccountMeta(source, is_signer=True, is_writable=True),
        AccountMeta(destination, is_signer=False, is_writable=True),
    ]
    return Instruction(PROGRAM, _TRANSFER.pack(2, lamports), accounts)


def allocate(account: Pubkey, space: int) -> Instruction:
    """Give an account that signs `space` zero bytes."""
    return Instruction(PROGRAM, _ALLOCATE.pack(8, space), [AccountMeta(account, is_signer=True, is_writable=True)])


def assign(account: Pubkey, owner: Pubkey) -> Instruction:
    """Hand an account that signs to a program."""
    return Instruction(PROGRAM, _ASSIGN.pack(1, bytes(owner)), [AccountMeta(account, is_signer=True, is_writable=True)])


def allocate_with_seed(base: Pubkey, seed: str, space: int, owner: Pubkey) -> Instruction:
    """Give the account at `seeded_address` `space` zero bytes and hand it to `owner`; `base` signs."""
    text = seed.encode()
    data = b"".join(
        (
            (9).to_bytes(4, "little"),
            bytes(base),
            len(text).to_bytes(8, "little"),
            text,
            space.to_bytes(8, "little"),
            bytes(owner),
        )
    )
    accounts = [
        AccountMeta(seeded_address(base, seed, owner), is_signer=False, is_writable=True),
        AccountMeta(base, is_signer=True, is_writable=False),
    ]
    return Instruction(PROGRAM, data, accounts)


def seeded_address(base: Pubkey, seed: str, owner: Pubkey) -> Pubkey:
    """The account that only `base` can make, for `owner`, under a text of at most 32 bytes."""
    return Pubkey.create_with_seed(base, seed, owner)
