"""What a batch must know from the database before it is judged: as few queries as its order allows."""

from collections.abc import Sequence
from typing import Final

from core.store import Session, readings
from devices.intake.book import MeterBook

WIDEST_WINDOW: Final = 4_096
"""Numbers loaded in one query; numbers further apart are loaded around each one."""


async def load_books(session: Session, numbers: Sequence[tuple[str, int]], books: dict[str, MeterBook]) -> None:
    """Fill the books with the statements around the batch's (meter, number) pairs.

    A meter that speaks in order needs nothing, unless it once jumped ahead of itself.
    """
    by_meter: dict[str, list[int]] = {}
    for meter_id, number in numbers:
        by_meter.setdefault(meter_id, []).append(number)
    beyond: list[tuple[str, int]] = []
    for meter_id, meter_numbers in by_meter.items():
        book = books[meter_id]
        if not _in_order(meter_numbers, book.state.highest_sequence):
            await _load_windows(session, book, sorted(set(meter_numbers)))
        elif book.standing.has_numbers_beyond:
            beyond += [(meter_id, number) for number in meter_numbers]
        if book.state.held_from is not None:
            book.learn(await readings.in_doubt(session, meter_id, above=book.state.last.sequence))
    if not beyond:
        return
    for stored in await readings.stored_under(session, beyond):
        books[stored.meter_id].learn([stored])


def _in_order(numbers: Sequence[int], highest: int) -> bool:
    """Whether each number is above all before it."""
    for number in numbers:
        if number <= highest:
            return False
        highest = number
    return True


async def _load_windows(session: Session, book: MeterBook, numbers: Sequence[int]) -> None:
    first = last = numbers[0]
    for number in numbers[1:]:
        if number - first > WIDEST_WINDOW:
            book.learn(await readings.around(session, book.standing.meter_id, first, last))
            first = number
        last = number
    book.learn(await readings.around(session, book.standing.meter_id, first, last))
    unknown = [number for number in numbers if number not in book.entries]
    if unknown:
        book.forgotten |= await readings.taken(session, book.standing.meter_id, unknown)
