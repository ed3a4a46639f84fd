"""Readings by month of receipt: rooms made ahead of need on PostgreSQL, and old months let go on either database.

A reading whose month has no partition goes into `meter_readings_rest`: nothing is ever refused for want of one, and its month
is moved out of there when its partition is made. SQLite keeps one table; letting go deletes from it.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Table, func
from sqlmodel import col

from core.domain.verdicts import Verdict
from core.store.months import Month, month_of
from core.store.tables.meters import MeterRow
from core.store.tables.readings import MeterReadingRow, ReadingNumberRow
from core.store.unit_of_work import Session, Store

PREFIX: Final = "meter_readings_"
REST: Final = "meter_readings_rest"
AHEAD: Final = 2
"""Months made beyond the present one: a bridge that is away for a month loses nothing."""
ROWS_A_STEP: Final = 5_000
"""Rows deleted in one transaction, so that no writer waits long."""

_READINGS: Table = MeterReadingRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
_NUMBERS: Table = ReadingNumberRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
_PARTITIONS: Final = sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'meter_readings'::regclass")


async def partitions(session: Session) -> list[str]:
    """The months that have a partition, ascending by name, for example `2026_11`; none on SQLite."""
    connection = await session.connection()
    if connection.dialect.name != "postgresql":
        return []
    found: Sequence[str] = (await connection.execute(_PARTITIONS)).scalars().all()
    return sorted(name.removeprefix(PREFIX) for name in found if name != REST)


async def make_ahead(store: Store, *, now: int) -> list[str]:
    """Make the partitions of this month and of the next two; returns the names of those that were missing."""
    made: list[str] = []
    for ahead in range(AHEAD + 1):
        month = month_of(now).shifted(ahead)
        async with store.begin() as session:
            if await _make(session, month):
                made.append(month.name)
    return made


async def let_go(store: Store, *, now: int, keep_months: int) -> list[str]:
    """Let go of whole months before the last `keep_months`, the present one counted; returns their names.

    A month goes only when nothing of it can move value any more: every reading is rejected, or accepted and minted. What goes is
    the evidence, not the value: ledgers, meters and the chain are untouched, and an accepted number stays taken for ever.
    """
    limit = month_of(now).shifted(1 - keep_months)
    async with store.read() as session:
        month = await _oldest(session)
    gone: list[str] = []
    while month is not None and month < limit:
        if await _let_month_go(store, month):
            gone.append(month.name)
        month = month.shifted(1)
    return gone


async def _make(session: Session, month: Month) -> bool:
    """Make one partition, with what waits for it in the rest; False when it is there, or the database has none.

    Locks are taken in one order, and first those that writers take first.
    """
    connection = await session.connection()
    if connection.dialect.name != "postgresql":
        return False
    await connection.execute(sa.text("SELECT pg_advisory_xact_lock(4771019)"))
    if month.name in await partitions(session):
        return False
    name, first, last = PREFIX + month.name, month.start_at, month.end_at
    moved = f"DELETE FROM {REST} WHERE created_at >= {first} AND created_at < {last} RETURNING *"  # noqa: S608  # our own numbers and names
    for statement in (
        "LOCK TABLE meters, users IN SHARE ROW EXCLUSIVE MODE",
        f"LOCK TABLE ONLY {REST} IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE meter_readings INCLUDING DEFAULTS)",
        f"WITH moved AS ({moved}) INSERT INTO {name} SELECT * FROM moved",  # noqa: S608  # likewise
        f"ALTER TABLE meter_readings ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last})",
    ):
        await connection.exec_driver_sql(statement)
    return True


async def _oldest(session: Session) -> Month | None:
    """The month of the first reading received: ids ascend with time, and have an index."""
    first = sa.select(_READINGS.c.created_at).order_by(_READINGS.c.id).limit(1)
    oldest_at: int | None = (await (await session.connection()).execute(first)).scalar()
    return None if oldest_at is None else month_of(oldest_at)


async def _let_month_go(store: Store, month: Month) -> bool:
    """Drop the month's partition, or delete its rows; False when it holds back something that matters, or is empty."""
    async with store.begin() as session:
        in_partition = month.name in await partitions(session)
        if in_partition:
            connection = await session.connection()
            await connection.exec_driver_sql(f"LOCK TABLE {PREFIX}{month.name} IN ACCESS EXCLUSIVE MODE")
        if not await _is_over(session, month):
            return False
        await _stop_asking(session, month)
        if in_partition:
            await _drop(session, month)
            return True
    deleted = False
    while await _delete_some(store, month):
        deleted = True
    return deleted


async def _is_over(session: Session, month: Month) -> bool:
    """Whether no reading of the month is in doubt or waits for its settlement."""
    row = _READINGS.c
    over = sa.or_(
        row.verification_status == Verdict.REJECTED.value, sa.and_(row.verification_status == Verdict.ACCEPTED.value, row.minted)
    )
    waiting = sa.select(row.id).where(_within(month), sa.not_(over)).limit(1)
    return (await (await session.connection()).execute(waiting)).first() is None


async def _stop_asking(session: Session, month: Month) -> None:
    """Gaps before what goes are asked for no more: their age is beyond every limit, and the search for gaps reads the rows."""
    newest = (
        sa.select(_READINGS.c.meter_id, func.max(_READINGS.c.sequence).label("sequence"))
        .where(_within(month), _READINGS.c.verification_status == Verdict.ACCEPTED.value)
        .group_by(_READINGS.c.meter_id)
        .subquery()
    )
    await session.exec(
        sa.update(MeterRow)
        .where(col(MeterRow.meter_id) == newest.c.meter_id, col(MeterRow.contiguous_sequence) < newest.c.sequence)
        .values(contiguous_sequence=newest.c.sequence)
        .execution_options(synchronize_session=False)
    )


async def _delete_some(store: Store, month: Month) -> bool:
    """Delete a bounded number of rows, with the numbers of those that were rejected: they moved nothing."""
    async with store.begin() as session:
        connection = await session.connection()
        some = sa.select(_READINGS.c.id, _READINGS.c.meter_id, _READINGS.c.sequence, _READINGS.c.verification_status)
        rows = (await connection.execute(some.where(_within(month)).limit(ROWS_A_STEP))).all()
        if not rows:
            return False
        rejected = [{"of_meter": row[1], "of_sequence": row[2]} for row in rows if row[3] == Verdict.REJECTED.value]
        if rejected:
            await connection.execute(
                sa.delete(_NUMBERS).where(
                    _NUMBERS.c.meter_id == sa.bindparam("of_meter"), _NUMBERS.c.sequence == sa.bindparam("of_sequence")
                ),
                rejected,
            )
        by_id = sa.delete(_READINGS).where(_READINGS.c.id == sa.bindparam("of_id"), _within(month))
        await connection.execute(by_id, [{"of_id": row[0]} for row in rows])
    return True


async def _drop(session: Session, month: Month) -> None:
    """Drop a partition, with the numbers of those of its rows that were rejected."""
    rejected = sa.select(_READINGS.c.meter_id, _READINGS.c.sequence).where(
        _within(month), _READINGS.c.verification_status == Verdict.REJECTED.value
    )
    connection = await session.connection()
    await connection.execute(sa.delete(_NUMBERS).where(sa.tuple_(_NUMBERS.c.meter_id, _NUMBERS.c.sequence).in_(rejected)))
    await connection.exec_driver_sql(f"DROP TABLE {PREFIX}{month.name}")


def _within(month: Month) -> sa.ColumnElement[bool]:
    return _READINGS.c.created_at.between(month.start_at, month.end_at - 1)
