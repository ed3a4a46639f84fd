"""Tokens as callers see them."""

import msgspec


class TokenBalance(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet's energy tokens, read from the chain."""

    wallet_address: str
    token_account: str
    balance_base_units: str
    balance_tokens: str
    balance_kwh: str
    """Equal to the tokens: one token is one kilowatt-hour."""
    last_updated: str
    """RFC 3339 time of the look-up."""
    slot: int
    """Slot of the chain's answer."""


class TokenInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The energy token and the programs behind it."""

    name: str
    symbol: str
    mint: str
    decimals: int
    supply_base_units: str
    supply_tokens: str
    programs: dict[str, str]
