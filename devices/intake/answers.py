"""From judged items to outcomes and receipts."""

from collections.abc import Mapping, Sequence
from typing import Final

from core.domain.verdicts import Reason, Verdict, is_final
from devices.intake.book import Entry, MeterBook
from devices.intake.frames import Item
from devices.intake.gaps import Gaps
from devices.intake.submission import Outcome
from devices.receipts import ReceiptEntry, ReceiptMessage

NO_STATEMENT: Final = 0
"""Stands in a receipt for a message in which no statement could be read, or whose statement is not proven.

Numbers start at 1: the device learns the reason, and no copy garbled on its way makes it drop a genuine entry.
"""


def outcome_of(item: Item) -> Outcome:
    """What became of one item."""
    verdict, reason, detail = _answer(item)
    return Outcome(
        meter_id=item.meter_id,
        sequence=None if item.frame is None else item.frame.statement.sequence,
        verdict=verdict,
        reason=reason,
        final=is_final(verdict, reason),
        reading_id=None if item.entry is None else item.entry.row_id,
        detail=detail,
    )


def receipts_of(
    items: Sequence[Item],
    books: Mapping[str, MeterBook],
    gaps: Mapping[str, Gaps],
    decided: Mapping[str, Mapping[int, Entry]],
) -> list[ReceiptMessage]:
    """One receipt for each meter that spoke, by its own topic or under its signature.

    What this batch decided of earlier statements in doubt is told as well.
    """
    results: dict[str, dict[int, ReceiptEntry]] = {}
    for item in items:
        speaker = item.submission.topic_meter_id or (item.meter_id if item.verified is not None else "")
        if speaker:
            entry = _receipt_entry(item)
            results.setdefault(speaker, {})[entry.sequence] = entry
    for meter_id, entries in decided.items():
        for entry in entries.values():
            told = ReceiptEntry(sequence=entry.sequence, verdict=entry.verdict, reason=entry.reason)
            results.setdefault(meter_id, {})[entry.sequence] = told
    return [_receipt(meter_id, list(entries.values()), books, gaps) for meter_id, entries in results.items()]


def _answer(item: Item) -> tuple[Verdict, Reason | None, str]:
    entry = item.entry
    if entry is None:
        return Verdict.REJECTED, item.refusal or Reason.MALFORMED, item.detail
    if item.repeated and entry.verdict is Verdict.ACCEPTED:
        return Verdict.REPEATED, None, "stored before"
    return entry.verdict, entry.reason, entry.detail


def _receipt_entry(item: Item) -> ReceiptEntry:
    verdict, reason, _ = _answer(item)
    proven = item.verified is not None or not is_final(verdict, reason)
    sequence = item.frame.statement.sequence if item.frame is not None and proven else NO_STATEMENT
    return ReceiptEntry(sequence=sequence, verdict=verdict, reason=reason)


def _receipt(
    meter_id: str, results: Sequence[ReceiptEntry], books: Mapping[str, MeterBook], gaps: Mapping[str, Gaps]
) -> ReceiptMessage:
    book, gap = books.get(meter_id), gaps.get(meter_id)
    return ReceiptMessage(
        meter_id=meter_id,
        results=tuple(results),
        highest=0 if book is None else book.state.highest_sequence,
        missing=() if gap is None else gap.missing,
    )
