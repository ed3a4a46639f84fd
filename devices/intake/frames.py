"""From messages to frames: each statement of a batch with everything that is found out about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.verdicts import Reason
from devices.envelope import decode_journal, decode_reading
from devices.frame import FrameRefused, RefusedEntry, UnverifiedFrame, VerifiedStatement
from devices.intake.book import Entry
from devices.intake.submission import Submission
from devices.interval_body import decode_interval_body


@dataclass(slots=True)
class Item:
    """One statement on its way through the door."""

    submission: Submission
    frame: UnverifiedFrame | None = None
    verified: VerifiedStatement | None = None
    refusal: Reason | None = None
    """Set when it cannot become a reading."""
    detail: str = ""
    refused: RefusedEntry | None = None
    """The part of a message that is no frame."""
    entry: Entry | None = None
    """Its place among the meter's statements, once judged."""
    repeated: bool = False
    """The entry was there before, and its content is the same."""

    @property
    def meter_id(self) -> str:
        """Who says it; for what cannot be read, whose topic it came by."""
        if self.frame is not None:
            return self.frame.statement.meter_id
        return self.submission.topic_meter_id or (self.refused.claimed_meter_id if self.refused else "")

    def refuse(self, reason: Reason, detail: str) -> None:
        """It goes no further."""
        self.refusal, self.detail = reason, detail


def read_messages(submissions: Sequence[Submission], *, network: bytes) -> list[list[Item]]:
    """Decode every message; what is no frame, or another meter's, is refused here."""
    return [_read(submission, network) for submission in submissions]


def _read(submission: Submission, network: bytes) -> list[Item]:
    try:
        items = [_item(submission, part) for part in _decode(submission, network)]
    except FrameRefused as problem:
        items = [_item(submission, problem.refused)]
    for item in items:
        _check_topic(item)
    return items


def _decode(submission: Submission, network: bytes) -> Sequence[UnverifiedFrame | RefusedEntry]:
    if isinstance(submission.raw, UnverifiedFrame):
        return [submission.raw]
    match submission.kind:
        case "reading":
            return [decode_reading(submission.raw, network=network)]
        case "journal":
            return decode_journal(submission.raw, network=network)
        case "interval":
            return [decode_interval_body(submission.raw, network=network)]


def _item(submission: Submission, part: UnverifiedFrame | RefusedEntry) -> Item:
    if isinstance(part, UnverifiedFrame):
        return Item(submission, frame=part)
    item = Item(submission, refused=part)
    item.refuse(part.reason, part.detail)
    return item


def _check_topic(item: Item) -> None:
    topic_meter_id = item.submission.topic_meter_id
    if item.frame is not None and topic_meter_id is not None and topic_meter_id != item.frame.statement.meter_id:
        item.refuse(Reason.MALFORMED, "the statement is of another meter than the topic")
