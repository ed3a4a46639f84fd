"""What is handed to the door, and what it answers."""

from dataclasses import dataclass
from typing import Literal

from core.domain.verdicts import Reason, Verdict
from devices.frame import UnverifiedFrame
from devices.receipts import ReceiptMessage

Source = Literal["mqtt", "http"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One message, as a door received it."""

    raw: bytes | UnverifiedFrame
    source: Source
    received_at: int
    """Unix seconds."""
    kind: Literal["reading", "journal", "interval"] = "reading"
    fleet: str | None = None
    """Of the MQTT topic; None for HTTP."""
    topic_meter_id: str | None = None
    """Of the MQTT topic, which the broker tied to the device; None for HTTP."""
    wallet_address: str | None = None
    """The owner that the sender claims, if it claims one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one statement."""

    meter_id: str
    """As stated or, when that is not readable, as in the topic; may be empty."""
    sequence: int | None
    """None when no statement could be read."""
    verdict: Verdict
    reason: Reason | None
    final: bool
    """Whether the device may drop its journal entry."""
    reading_id: int | None
    """The row in `meter_readings`; None for what was refused."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """Everything that one transaction decided."""

    outcomes: list[list[Outcome]]
    """For each submission, in order, its statements' outcomes."""
    receipts: list[ReceiptMessage]
    """One for each meter that spoke, with second receipts for what was in doubt and is decided now."""
