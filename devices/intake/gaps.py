"""Which numbers of a meter never arrived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.readings import StatementKind
from core.store import Session, readings
from devices.acceptance import Profile
from devices.intake.book import MeterBook
from devices.receipts import MAX_MISSING_RANGES

SEARCHED: Final = 4_096
"""Numbers looked at for one receipt; gaps further on are told by later ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What is asked for again, and where the next search begins."""

    contiguous: int
    missing: tuple[tuple[int, int], ...]


async def find_gaps(session: Session, books: Sequence[MeterBook], *, limits: Profile, now: int) -> Mapping[str, Gaps]:
    """The gaps of each meter, after the batch's rows were written."""
    found: dict[str, Gaps] = {}
    asked: dict[str, tuple[int, int]] = {}
    for book in books:
        start = _known_contiguous(book)
        highest = book.state.highest_sequence
        if start >= highest:
            found[book.standing.meter_id] = Gaps(contiguous=highest, missing=())
        else:
            asked[book.standing.meter_id] = (start, highest)
    stored = await readings.numbers_above(session, asked, widest=SEARCHED)
    for book in books:
        if (bounds := asked.get(book.standing.meter_id)) is not None:
            forgiven_before = now - limits.max_age_s if book.state.statement_kind is StatementKind.REGISTER else None
            found[book.standing.meter_id] = gaps_between(
                stored.get(book.standing.meter_id, []), after=bounds[0], highest=bounds[1], forgiven_before=forgiven_before
            )
    return found


def gaps_between(stored: Sequence[tuple[int, int]], *, after: int, highest: int, forgiven_before: int | None) -> Gaps:
    """Walk from `after` to `highest` through the stored (number, measured_at) pairs, ascending.

    Args:
        stored: what is there; when it ends before `highest`, nothing is said about what lies beyond.
        after: every number up to here is there, or is not asked for any more.
        highest: the highest number received.
        forgiven_before: a gap that ends before this measuring time is not asked for any more: a register statement of it
            would be stale, and a later one contains its energy.
    """
    missing: list[tuple[int, int]] = []
    expected, contiguous = after + 1, after
    for number, measured_at in stored:
        if number > expected and not (forgiven_before is not None and measured_at < forgiven_before):
            missing.append((expected, number - 1))
        if not missing:
            contiguous = number
        expected = number + 1
        if number >= highest or len(missing) == MAX_MISSING_RANGES:
            break
    return Gaps(contiguous=contiguous, missing=tuple(missing))


def _known_contiguous(book: MeterBook) -> int:
    """As far as the row and this batch alone show that nothing is missing."""
    known = max(book.standing.contiguous_sequence, book.standing.base_sequence)
    while known + 1 in book.entries:
        known += 1
    return known
