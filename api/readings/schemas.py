"""Readings as callers see them."""

import msgspec


class SubmittedReading(msgspec.Struct, frozen=True, kw_only=True):
    """The platform's answer to a submitted reading."""

    meter_id: str
    sequence: int | None
    verdict: str
    """accepted, repeated or quarantined; a rejected reading is answered with a problem document."""
    reason: str | None
    final: bool
    """Whether the device may forget the reading."""
    reading_id: int | None
    detail: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One stored reading. Energy in kWh as exact decimal text, times in RFC 3339."""

    id: int
    user_id: int
    wallet_address: str
    meter_id: str
    sequence: int
    kind: str
    kwh_amount: str
    """Net energy: generation less consumption."""
    generation_kwh: str
    consumption_kwh: str
    reading_timestamp: str
    submitted_at: str
    meter_signature: str
    verification_status: str
    reason: str | None
    minted: bool
    mint_tx_signature: str | None
    mint_timestamp: str | None
    created_at: str
    updated_at: str


class ReadingPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of readings."""

    items: list[Reading]
    next_cursor: str | None
    """Pass as `cursor` for the next page; absent on the last one."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that could not become a reading; equal frames share one entry."""

    id: int
    claimed_meter_id: str
    """As claimed by topic or frame; not proven."""
    sequence: str
    reason: str
    detail: str
    source: str
    seen: int
    first_at: str
    last_at: str
    payload_sha256: str


class RefusalPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of refusals, newest first."""

    items: list[Refusal]
    next_cursor: str | None
