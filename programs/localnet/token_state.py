"""Just enough of the token programs' layouts to report balances."""

from dataclasses import dataclass

from solders.pubkey import Pubkey

from programs.localnet.accounts import AccountState

TOKEN_PROGRAM = bytes(Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"))
TOKEN_2022_PROGRAM = bytes(Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"))
TOKEN_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)
MINT_SIZE = 82
ACCOUNT_SIZE = 165
MULTISIG_SIZE = 355
MINT_KIND, ACCOUNT_KIND = 1, 2  # the byte after the base account when there are extensions
STATES = ("uninitialized", "initialized", "frozen")


@dataclass(frozen=True, slots=True)
class Mint:
    """A token's mint; amounts in base units."""

    authority: bytes | None
    supply: int
    decimals: int
    initialized: bool
    freeze_authority: bytes | None


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """A holder's account; amounts in base units."""

    mint: bytes
    owner: bytes
    amount: int
    delegate: bytes | None
    state: str
    native_reserve: int | None
    """Lamports kept back in a wrapped-SOL account."""
    delegated_amount: int
    close_authority: bytes | None


def _kind(state: AccountState) -> int | None:
    size = len(state.data)
    if state.owner not in TOKEN_PROGRAMS or size == MULTISIG_SIZE:
        return None
    if size == MINT_SIZE:
        return MINT_KIND
    if size == ACCOUNT_SIZE:
        return ACCOUNT_KIND
    return state.data[ACCOUNT_SIZE] if size > ACCOUNT_SIZE and state.owner == TOKEN_2022_PROGRAM else None


def _option(data: bytes, start: int) -> bytes | None:
    return data[start + 4 : start + 36] if data[start] else None


def _u64(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 8], "little")


def read_mint(state: AccountState) -> Mint | None:
    """The mint in an account, `None` when it holds something else."""
    if _kind(state) != MINT_KIND or not state.data[45]:
        return None
    data = state.data
    return Mint(_option(data, 0), _u64(data, 36), data[44], bool(data[45]), _option(data, 46))


def read_token_account(state: AccountState) -> TokenAccount | None:
    """The token account in an account, `None` when it holds something else."""
    if _kind(state) != ACCOUNT_KIND or not 0 < state.data[108] < len(STATES):
        return None
    data = state.data
    native = _u64(data, 113) if data[109] else None
    return TokenAccount(
        mint=data[0:32],
        owner=data[32:64],
        amount=_u64(data, 64),
        delegate=_option(data, 72),
        state=STATES[data[108]],
        native_reserve=native,
        delegated_amount=_u64(data, 121),
        close_authority=_option(data, 129),
    )
