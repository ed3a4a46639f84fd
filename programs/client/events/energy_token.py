"""The energy token program's events."""

from dataclasses import dataclass
from typing import ClassVar

from programs.client.events.record import EventRecord, Tail
from programs.client.layout import I64, U8, U64, Key, Record


@dataclass(frozen=True, slots=True)
class TokenMove(Record):
    """Tokens that moved."""

    recipient: Key
    """Owner of the token account."""
    amount: U64
    """Base units."""


@dataclass(frozen=True, slots=True)
class TokensMinted(EventRecord):
    """Tokens were minted for net production."""

    tail: ClassVar[Tail] = (("items", TokenMove),)

    new_total_supply: U64
    """The mint's supply afterwards, base units."""
    timestamp: I64
    """Chain time, Unix seconds."""


@dataclass(frozen=True, slots=True)
class TokensBurned(EventRecord):
    """Tokens were burned for net consumption."""

    tail: ClassVar[Tail] = (("items", TokenMove),)

    new_total_supply: U64
    """The mint's supply afterwards, base units."""
    timestamp: I64
    """Chain time, Unix seconds."""


@dataclass(frozen=True, slots=True)
class TokensRetired(EventRecord):
    """A holder retired tokens."""

    tail: ClassVar[Tail] = (("beneficiary", str), ("reason", str))

    holder: Key
    """Who."""
    amount: U64
    """How much, base units."""
    new_total_supply: U64
    """The mint's supply afterwards, base units."""
    timestamp: I64
    """Chain time, Unix seconds."""


@dataclass(frozen=True, slots=True)
class TokenInitialized(EventRecord):
    """The token was set up."""

    authority: Key
    """First authority."""
    mint: Key
    """The mint."""


@dataclass(frozen=True, slots=True)
class AuthorityProposed(EventRecord):
    """An authority was proposed."""

    authority: Key
    """Who proposes."""
    pending_authority: Key
    """Who may accept."""


@dataclass(frozen=True, slots=True)
class AuthorityChanged(EventRecord):
    """An authority was accepted."""

    old_authority: Key
    """Who it was."""
    new_authority: Key
    """Who it is."""


@dataclass(frozen=True, slots=True)
class MintingChanged(EventRecord):
    """Minting was enabled or disabled."""

    enabled: U8
    """1 enabled."""


EVENTS: tuple[type[EventRecord], ...] = (
    TokensMinted,
    TokensBurned,
    TokensRetired,
    TokenInitialized,
    AuthorityProposed,
    AuthorityChanged,
    MintingChanged,
)
"""In the order of the interface."""
