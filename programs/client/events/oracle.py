"""The oracle program's events."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from solders.pubkey import Pubkey

from programs.client.accounts.oracle import MAX_ATTESTERS
from programs.client.events.record import EventRecord, Tail
from programs.client.layout import I64, U8, U64, Key, MeterIdField, Record, array, raw


@dataclass(frozen=True, slots=True)
class AcceptedReading(Record):
    """What became of one reading."""

    meter_id: MeterIdField
    """The meter."""
    sequence: U64
    """Highest sequence."""
    measured_at: U64
    """End of the period, Unix seconds."""
    generation_wh: U64
    """Export register or generation in all, Wh."""
    consumption_wh: U64
    """Import register or consumption in all, Wh."""
    result: U8
    """A `ReadingResult`."""
    settlement: U8
    """A `SettlementResult`."""
    quality: U8
    """Quality score 0 to 100."""


@dataclass(frozen=True, slots=True)
class MeterReadingAccepted(EventRecord):
    """Readings were handed to the registry; those with result 0 were credited."""

    tail: ClassVar[Tail] = (("items", AcceptedReading),)

    proof: U8
    """1 device, 2 attested."""
    merkle_root: Annotated[bytes, raw(32)]
    """Merkle root of an attested batch; zero when device-proven."""
    batch: U64
    """Number of the batch in the range of roots, from 1; 0 when device-proven."""
    rule_set_hash: Annotated[bytes, raw(32)]
    """Rule set of the batch."""
    timestamp: I64
    """Chain time, Unix seconds."""


@dataclass(frozen=True, slots=True)
class OracleInitialized(EventRecord):
    """The oracle was set up."""

    authority: Key
    """First authority."""
    network: Annotated[bytes, raw(8)]
    """The network bytes."""


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
class AttestersChanged(EventRecord):
    """Attesters and threshold were set."""

    attesters: Annotated[tuple[Pubkey, ...], array(Key, MAX_ATTESTERS)]
    """Attesters; zero where unused."""
    attester_count: U8
    """How many."""
    threshold: U8
    """How many a batch needs."""


@dataclass(frozen=True, slots=True)
class RuleSetChanged(EventRecord):
    """The rule set was changed."""

    rule_set_hash: Annotated[bytes, raw(32)]
    """Its SHA-256."""


@dataclass(frozen=True, slots=True)
class PausedChanged(EventRecord):
    """The oracle was paused or resumed."""

    paused: U8
    """The bits now."""


EVENTS: tuple[type[EventRecord], ...] = (
    MeterReadingAccepted,
    OracleInitialized,
    AuthorityProposed,
    AuthorityChanged,
    AttestersChanged,
    RuleSetChanged,
    PausedChanged,
)
"""In the order of the interface."""
