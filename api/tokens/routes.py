"""Balances and the token's own facts, straight from the chain."""

from http import HTTPStatus

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from solders.pubkey import Pubkey

from api.parts import ApiParts
from api.problems import OPERATORS_PROBLEMS, described_problems
from api.readings.mapping import rfc3339
from api.tokens.schemas import TokenBalance, TokenInfo
from core.domain.errors import InvalidInput
from core.domain.units import TOKEN_DECIMALS, tokens_from_base_units
from programs.client.addresses import addresses_of


def _wallet(text: str) -> Pubkey:
    try:
        return Pubkey.from_string(text)
    except ValueError as problem:
        raise InvalidInput("wallet: not a base58 public key of 32 bytes") from problem


@get("/api/tokens/balance/{wallet:str}", tags=["tokens"], responses=described_problems(*OPERATORS_PROBLEMS))
async def token_balance(parts: NamedDependency[ApiParts], wallet: FromPath[str]) -> TokenBalance:
    """Read a wallet's energy tokens from the chain; a wallet without an account holds zero."""
    owner = _wallet(wallet)
    account = addresses_of(parts.ids).token_account(owner)
    base_units, slot = await parts.chain.dated_token_balance(account)
    tokens = f"{tokens_from_base_units(base_units):f}"
    return TokenBalance(
        wallet_address=str(owner),
        token_account=str(account),
        balance_base_units=str(base_units),
        balance_tokens=tokens,
        balance_kwh=tokens,
        last_updated=rfc3339(parts.clock.now()),
        slot=slot,
    )


@get("/api/tokens/info", tags=["tokens"], responses=described_problems(HTTPStatus.SERVICE_UNAVAILABLE))
async def token_info(parts: NamedDependency[ApiParts]) -> TokenInfo:
    """Tell the mint, its supply and the programs; public."""
    mint = addresses_of(parts.ids).mint
    supply = await parts.chain.token_supply(mint)
    return TokenInfo(
        name=parts.token_name,
        symbol=parts.token_symbol,
        mint=str(mint),
        decimals=TOKEN_DECIMALS,
        supply_base_units=str(supply),
        supply_tokens=f"{tokens_from_base_units(supply):f}",
        programs={
            "registry": str(parts.ids.registry),
            "oracle": str(parts.ids.oracle),
            "energy_token": str(parts.ids.energy_token),
        },
    )
