"""One line for each outcome of a batch, so that a reading's id leads from its receipt to its transaction.

A reading's id is `<meter>:<number>`, which anyone can derive. Lines are cut at `READINGS_A_LINE`: a batch of a thousand readings
costs a handful of lines, and each reading a few bytes.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from core.runtime.logging import get_logger
from devices.intake.book import MeterBook
from devices.intake.submission import BatchResult, Outcome, Submission

READINGS_A_LINE: Final = 200
_log = get_logger(__name__)


def tell_outcomes(result: BatchResult, submissions: Sequence[Submission], books: Sequence[MeterBook], batch: str) -> None:
    """Write down what became of a committed batch.

    Args:
        result: the outcomes.
        submissions: in the same order.
        books: of all meters that spoke; those with something to settle are told with the reading that will carry it.
        batch: the batch's own id, on all its lines.
    """
    if not logging.getLogger(__name__).isEnabledFor(logging.INFO):
        return
    groups: dict[tuple[str, str, str], list[str]] = {}
    for submission, outcomes in zip(submissions, result.outcomes, strict=True):
        for outcome in outcomes:
            reason = "" if outcome.reason is None else outcome.reason.value
            groups.setdefault((submission.source, outcome.verdict.value, reason), []).append(reading_id(outcome))
    for (source, verdict, reason), readings in groups.items():
        for part in _parts(readings):
            _log.info("readings_judged", verdict=verdict, reason=reason, source=source, batch=batch, readings=part)
    wanted = [f"{book.target.meter_id}:{book.target.sequence}" for book in books if book.wants_settlement]
    for part in _parts(wanted):
        _log.info("settlement_wanted", batch=batch, readings=part)


def reading_id(outcome: Outcome) -> str:
    """`<meter>:<number>`; `?` stands for what could not be read."""
    return f"{outcome.meter_id or '?'}:{'?' if outcome.sequence is None else outcome.sequence}"


def _parts(readings: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(readings), READINGS_A_LINE):
        yield readings[start : start + READINGS_A_LINE]
