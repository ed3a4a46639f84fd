"""Derived rows as they are compared and written by a rebuild: in pages, by key, on either database."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Table, tuple_
from sqlmodel import col

from core.domain.readings import StatementKind
from core.domain.verdicts import Verdict
from core.store import duties
from core.store.derived import CURSORS, DERIVED_TABLES, EVENTS, MARKS, DerivedTable
from core.store.settled_points import POINTS
from core.store.tables.duties import DutyRow
from core.store.tables.readings import MeterReadingRow
from core.store.tables.settlement import OutboxRow
from core.store.unit_of_work import Session

ROWS_A_PAGE: Final = 500
KEYS_A_QUERY: Final = 200

Key = tuple[str | int, ...]
Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedReading:
    """What a reading row says of its minting, and what decides it."""

    meter_id: str
    sequence: int
    is_register: bool
    is_accepted: bool
    ordinal: int
    marks: tuple[bool, str | None, int | None]
    """As MARKS names them."""

    @property
    def reach(self) -> int:
        """What a settlement must have come to: a register's sequence, an interval's entry."""
        return self.sequence if self.is_register else self.ordinal


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A transaction that settled a meter further than any before it."""

    reach: int
    signature: str
    at: int


async def lock(session: Session) -> None:
    """Let nobody write derived rows until the transaction ends; SQLite has one writer anyway."""
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in DERIVED_TABLES)
        await connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


async def indexers_lease(session: Session) -> tuple[str, int] | None:
    """Who reads the chain into these rows, and until when without a word from him, Unix milliseconds."""
    row = await session.get(DutyRow, duties.INDEXER)
    return None if row is None else (row.owner, row.until_ms)


async def newest_slot(session: Session) -> int:
    """The newest slot that any row names, the outbox's among them: it knows what landed when all derived rows are lost."""
    connection = await session.connection()
    named = (_table(EVENTS).c.slot, _table(CURSORS).c.slot, col(OutboxRow.slot))
    slots = [(await connection.execute(sa.select(sa.func.max(slot)))).scalar() for slot in named]
    return max((int(slot) for slot in slots if slot is not None), default=0)


async def first_events(session: Session) -> dict[str, str]:
    """The name of the event that was written first of each program."""
    events = _table(EVENTS)
    first = sa.select(sa.func.min(events.c.id)).group_by(events.c.program)
    statement = sa.select(events.c.program, events.c.name).where(events.c.id.in_(first))
    rows = (await (await session.connection()).execute(statement)).all()
    return {row.program: row.name for row in rows}


async def pages(session: Session, table: DerivedTable) -> AsyncGenerator[dict[Key, Values]]:
    """All rows, a page at a time, by key."""
    rows = _table(table)
    order = rows.c[table.order]
    last: str | int | None = None
    connection = await session.connection()
    while True:
        statement = sa.select(order.label("_order"), *_columns(table)).order_by(order).limit(ROWS_A_PAGE)
        found = (await connection.execute(statement if last is None else statement.where(order > last))).mappings().all()
        if not found:
            return
        last = found[-1]["_order"]
        yield _by_key(table, found)


async def rows_of(session: Session, table: DerivedTable, keys: Iterable[Key]) -> dict[Key, Values]:
    """Those of these rows that there are."""
    rows, wanted = _table(table), list(keys)
    connection = await session.connection()
    found: dict[Key, Values] = {}
    for start in range(0, len(wanted), KEYS_A_QUERY):
        part = wanted[start : start + KEYS_A_QUERY]
        statement = sa.select(*_columns(table)).where(tuple_(*(rows.c[name] for name in table.key)).in_(part))
        found |= _by_key(table, (await connection.execute(statement)).mappings().all())
    return found


async def put(session: Session, table: DerivedTable, rows: Mapping[Key, Values]) -> None:
    """Write rows, whether they are there or not."""
    if not rows:
        return
    await remove(session, table, rows)
    connection = await session.connection()
    full = [dict(zip(table.key, key, strict=True)) | values for key, values in rows.items()]
    await connection.execute(sa.insert(_table(table)), full)


async def remove(session: Session, table: DerivedTable, keys: Iterable[Key]) -> None:
    """Delete rows by key."""
    rows, unwanted = _table(table), list(keys)
    connection = await session.connection()
    for start in range(0, len(unwanted), KEYS_A_QUERY):
        part = unwanted[start : start + KEYS_A_QUERY]
        await connection.execute(sa.delete(rows).where(tuple_(*(rows.c[name] for name in table.key)).in_(part)))


async def marked_readings(session: Session) -> AsyncGenerator[list[MarkedReading]]:
    """All readings by meter and sequence, a page at a time."""
    row = MeterReadingRow
    names = ("meter_id", "sequence", "statement_kind", "verification_status", "ordinal", *MARKS)
    place = tuple_(col(row.meter_id), col(row.sequence))
    last: tuple[str, int] = ("", -1)
    connection = await session.connection()
    columns = [col(getattr(row, name)) for name in names]
    while True:
        statement = sa.select(*columns).where(place > last).order_by(col(row.meter_id), col(row.sequence)).limit(ROWS_A_PAGE)
        found = [_marked(*values) for values in (await connection.execute(statement)).all()]
        if not found:
            return
        last = (found[-1].meter_id, found[-1].sequence)
        yield found


async def mark(session: Session, meter_id: str, sequence: int, marks: tuple[bool, str | None, int | None]) -> None:
    """Write what a reading says of its minting."""
    row = MeterReadingRow
    await (await session.connection()).execute(
        sa.update(row)
        .where(col(row.meter_id) == meter_id, col(row.sequence) == sequence)
        .values(dict(zip(MARKS, marks, strict=True)))
    )


async def points_for(scratch: Session, meter_id: str, *, is_register: bool, lowest: int, highest: int) -> list[Point]:
    """The points that decide readings between two reaches, in their order."""
    reach = POINTS.c.sequence if is_register else POINTS.c.entry_number
    mine = POINTS.c.meter_id == meter_id
    beyond = sa.select(sa.func.min(reach)).where(mine, reach >= highest).scalar_subquery()
    statement = (
        sa.select(reach, POINTS.c.signature, POINTS.c.at)
        .where(mine, reach >= lowest, sa.or_(reach < highest, reach == beyond))
        .order_by(reach, POINTS.c.number)
    )
    rows = await (await scratch.connection()).execute(statement)
    return [Point(reach=at_reach, signature=signature, at=at) for at_reach, signature, at in rows]


def _marked(  # a row's columns in the order of the query
    meter_id: str, sequence: int, kind: int, status: str, ordinal: int | None, minted: bool, signature: str | None, at: int | None
) -> MarkedReading:
    return MarkedReading(
        meter_id=meter_id,
        sequence=sequence,
        is_register=kind == int(StatementKind.REGISTER),
        is_accepted=status == Verdict.ACCEPTED.value,
        ordinal=ordinal or 0,
        marks=(bool(minted), signature, at),
    )


def _table(table: DerivedTable) -> Table:
    made: Table = table.row.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
    return made


def _columns(table: DerivedTable) -> list[sa.Column[Any]]:
    return [_table(table).c[name] for name in (*table.key, *table.columns)]


def _by_key(table: DerivedTable, rows: Sequence[Mapping[Any, Any]]) -> dict[Key, Values]:
    return {tuple(row[name] for name in table.key): {name: row[name] for name in table.columns} for row in rows}
