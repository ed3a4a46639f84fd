"""Token-2022 and associated token accounts, as far as wallets need them here."""

import struct
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.instructions import system

PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN_PROGRAM = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")

_AMOUNT = struct.Struct("<BQ")
_CHECKED = struct.Struct("<BQB")
_ACCOUNT = struct.Struct("<32s32sQI32sBIQQI32s")
_MINT = struct.Struct("<I32sQBBI32s")
_INITIALIZED, _FROZEN = 1, 2


def associated_address(owner: Pubkey, mint: Pubkey) -> Pubkey:
    """The associated token account of a wallet."""
    return Pubkey.find_program_address([bytes(owner), bytes(PROGRAM), bytes(mint)], ASSOCIATED_TOKEN_PROGRAM)[0]


def create_associated(payer: Pubkey, owner: Pubkey, mint: Pubkey) -> Instruction:
    """Create a wallet's associated token account unless it exists."""
    accounts = [
        AccountMeta(payer, is_signer=True, is_writable=True),
        AccountMeta(associated_address(owner, mint), is_signer=False, is_writable=True),
        AccountMeta(owner, is_signer=False, is_writable=False),
        AccountMeta(mint, is_signer=False, is_writable=False),
        AccountMeta(system.PROGRAM, is_signer=False, is_writable=False),
        AccountMeta(PROGRAM, is_signer=False, is_writable=False),
    ]
    return Instruction(ASSOCIATED_TOKEN_PROGRAM, b"\x01", accounts)


def approve(account: Pubkey, delegate: Pubkey, owner: Pubkey, base_units: int) -> Instruction:
    """Let `delegate` move or burn up to `base_units`."""
    accounts = [_writable(account), _readonly(delegate), _signer(owner)]
    return Instruction(PROGRAM, _AMOUNT.pack(4, base_units), accounts)


def revoke(account: Pubkey, owner: Pubkey) -> Instruction:
    """Take a delegate's allowance back."""
    return Instruction(PROGRAM, b"\x05", [_writable(account), _signer(owner)])


def transfer_checked(
    source: Pubkey, mint: Pubkey, destination: Pubkey, owner: Pubkey, base_units: int, decimals: int
) -> Instruction:
    """Move tokens."""
    accounts = [_writable(source), _readonly(mint), _writable(destination), _signer(owner)]
    return Instruction(PROGRAM, _CHECKED.pack(12, base_units, decimals), accounts)


def burn_checked(account: Pubkey, mint: Pubkey, owner: Pubkey, base_units: int, decimals: int) -> Instruction:
    """Burn one's own tokens."""
    accounts = [_writable(account), _writable(mint), _signer(owner)]
    return Instruction(PROGRAM, _CHECKED.pack(15, base_units, decimals), accounts)


def mint_to_checked(mint: Pubkey, account: Pubkey, authority: Pubkey, base_units: int, decimals: int) -> Instruction:
    """Mint tokens as the mint authority: for payment mints of tests; the energy mint's authority is a program."""
    accounts = [_writable(mint), _writable(account), _signer(authority)]
    return Instruction(PROGRAM, _CHECKED.pack(14, base_units, decimals), accounts)


def close_account(account: Pubkey, destination: Pubkey, owner: Pubkey) -> Instruction:
    """Close an empty token account; its rent goes to `destination`."""
    return Instruction(PROGRAM, b"\x09", [_writable(account), _writable(destination), _signer(owner)])


def enable_required_memo(account: Pubkey, owner: Pubkey) -> Instruction:
    """Refuse incoming transfers without a memo; the account must have been reallocated for the extension."""
    return Instruction(PROGRAM, b"\x1e\x00", [_writable(account), _signer(owner)])


def reallocate_for_memo(account: Pubkey, payer: Pubkey, owner: Pubkey) -> Instruction:
    """Make room for the memo extension."""
    memo_transfer = (8).to_bytes(2, "little")
    accounts = [
        _writable(account),
        AccountMeta(payer, is_signer=True, is_writable=True),
        _readonly(system.PROGRAM),
        _signer(owner),
    ]
    return Instruction(PROGRAM, b"\x1d" + memo_transfer, accounts)


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """A token account; amounts in base units."""

    mint: Pubkey
    owner: Pubkey
    amount: int
    delegate: Pubkey | None
    delegated: int
    is_frozen: bool

    @classmethod
    def decode(cls, data: bytes) -> "TokenAccount":
        """Read a token account of either token program.

        Raises:
            InvalidInput: the bytes are no initialised token account.
        """
        if len(data) < _ACCOUNT.size:
            raise InvalidInput("these bytes are no token account")
        mint, owner, amount, has_delegate, delegate, state, _, _, delegated, _, _ = _ACCOUNT.unpack_from(data)
        if state not in (_INITIALIZED, _FROZEN):
            raise InvalidInput("this token account is not initialised")
        by = Pubkey(delegate) if has_delegate else None
        return cls(Pubkey(mint), Pubkey(owner), amount, by, delegated if has_delegate else 0, state == _FROZEN)


@dataclass(frozen=True, slots=True)
class Mint:
    """What every mint has; extensions follow it."""

    authority: Pubkey | None
    supply: int
    """Base units."""
    decimals: int
    freeze_authority: Pubkey | None

    @classmethod
    def decode(cls, data: bytes) -> "Mint":
        """Read a mint of either token program.

        Raises:
            InvalidInput: the bytes are no initialised mint.
        """
        if len(data) < _MINT.size:
            raise InvalidInput("these bytes are no mint")
        has_authority, authority, supply, decimals, is_initialised, has_freezer, freezer = _MINT.unpack_from(data)
        if not is_initialised:
            raise InvalidInput("this mint is not initialised")
        return cls(Pubkey(authority) if has_authority else None, supply, decimals, Pubkey(freezer) if has_freezer else None)


def _writable(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _readonly(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def _signer(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=False)
