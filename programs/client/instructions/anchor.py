"""What every instruction of our programs has: a discriminator, packed arguments, named accounts, and the way to its event."""

import struct
from functools import lru_cache

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.addresses import ProgramAddresses
from programs.client.conventions import discriminator


def call(program: ProgramAddresses, name: str, arguments: bytes, accounts: list[AccountMeta]) -> Instruction:
    """An instruction of a program."""
    return Instruction(program.id, tag_of(name) + arguments, accounts)


@lru_cache(maxsize=256)
def tag_of(name: str) -> bytes:
    """First 8 bytes of an instruction's data."""
    return discriminator("global", name)


def pack(layout: str, *values: int | bytes) -> bytes:
    """Arguments by a `struct` layout, without padding.

    Raises:
        InvalidInput: a number does not fit its field.
    """
    try:
        return struct.pack("<" + layout, *values)
    except struct.error as problem:
        raise InvalidInput(f"an argument does not fit its field: {problem}") from None


def text(value: str) -> bytes:
    """A text with its length in front."""
    body = value.encode()
    return len(body).to_bytes(4, "little") + body


def signer(key: Pubkey) -> AccountMeta:
    """An account that signs."""
    return AccountMeta(key, is_signer=True, is_writable=False)


def paying(key: Pubkey) -> AccountMeta:
    """An account that signs and is written."""
    return AccountMeta(key, is_signer=True, is_writable=True)


def writable(key: Pubkey) -> AccountMeta:
    """An account that is written."""
    return AccountMeta(key, is_signer=False, is_writable=True)


def readonly(key: Pubkey) -> AccountMeta:
    """An account that is read."""
    return AccountMeta(key, is_signer=False, is_writable=False)


def event_of(program: ProgramAddresses) -> list[AccountMeta]:
    """What a program needs to call itself with an event."""
    return [readonly(program.event_authority), readonly(program.id)]
