"""Derived rows beside what a rebuild has read from the chain, a page of either at a time."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from core.store import rebuilding
from core.store.derived import DERIVED_TABLES, EVENTS, MARKS, READINGS, DerivedTable
from core.store.rebuilding import Key, MarkedReading, Values
from core.store.unit_of_work import Session
from oracle_bridge.differences import Differences

MANY: Final = 256
"""As many as a node tells the fate of in one answer."""


class Comparison:
    """One comparison, in one transaction of either database.

    Args:
        scratch: what was read from the chain.
        rows: the platform's rows.
        mend: also write what differs.
    """

    def __init__(self, *, scratch: Session, rows: Session, mend: bool) -> None:
        self._scratch = scratch
        self._rows = rows
        self._mend = mend
        self._found = Differences()

    async def transactions_too_much(self) -> list[str]:
        """Some of the transactions that rows name and the past does not."""
        found: list[str] = []
        async for page in rebuilding.pages(self._rows, EVENTS):
            known = await rebuilding.rows_of(self._scratch, EVENTS, page)
            found += [str(key[0]) for key in page if key not in known]
            if len(found) >= MANY:
                break
        return list(dict.fromkeys(found))[:MANY]

    async def run(self) -> Differences:
        """Compare everything that is derived."""
        for table in DERIVED_TABLES:
            await self._too_much(table)
            await self._missing_or_wrong(table)
        async for page in rebuilding.marked_readings(self._rows):
            for (meter_id, is_register), readings in groupby(page, key=lambda one: (one.meter_id, one.is_register)):
                await self._marks(meter_id, is_register=is_register, readings=list(readings))
        return self._found

    async def _too_much(self, table: DerivedTable) -> None:
        async for page in rebuilding.pages(self._rows, table):
            known = await rebuilding.rows_of(self._scratch, table, page)
            unknown = {key: row for key, row in page.items() if key not in known}
            for key, row in unknown.items():
                self._found.too_much(table.name, _text(key), row)
            if self._mend:
                await rebuilding.remove(self._rows, table, unknown)

    async def _missing_or_wrong(self, table: DerivedTable) -> None:
        async for page in rebuilding.pages(self._scratch, table):
            there = await rebuilding.rows_of(self._rows, table, page)
            self._found.rows_compared += len(page)
            wrong = {key: row for key, row in page.items() if there.get(key) != row}
            for key, row in wrong.items():
                self._tell(table, key, there.get(key), row)
            if self._mend:
                await rebuilding.put(self._rows, table, wrong)

    def _tell(self, table: DerivedTable, key: Key, row: Values | None, chain: Values) -> None:
        if row is None:
            self._found.missing(table.name, _text(key), chain)
            return
        for column in table.columns:
            if row[column] != chain[column]:
                self._found.cell(table.name, _text(key), column, row[column], chain[column])

    async def _marks(self, meter_id: str, *, is_register: bool, readings: Sequence[MarkedReading]) -> None:
        """Each accepted reading is minted by the first transaction that settled through it."""
        reaches = [one.reach for one in readings]
        points = await rebuilding.points_for(
            self._scratch, meter_id, is_register=is_register, lowest=min(reaches), highest=max(reaches)
        )
        ends = [point.reach for point in points]
        for one in readings:
            at = bisect_left(ends, one.reach) if one.is_accepted else len(points)
            marks = (True, points[at].signature, points[at].at) if at < len(points) else (False, None, None)
            self._found.rows_compared += 1
            if one.marks != marks:
                await self._wrong_marks(one, marks)

    async def _wrong_marks(self, one: MarkedReading, marks: tuple[bool, str | None, int | None]) -> None:
        for column, row, chain in zip(MARKS, one.marks, marks, strict=True):
            if row != chain:
                self._found.cell(READINGS, f"{one.meter_id} {one.sequence}", column, row, chain)
        if self._mend:
            await rebuilding.mark(self._rows, one.meter_id, one.sequence, marks)


def _text(key: Key) -> str:
    return " ".join(str(part) for part in key)
