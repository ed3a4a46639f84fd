"""Stored statements with their verdicts. Energy in Wh, times in Unix seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import attrgetter
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Table, bindparam
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from core.domain.verdicts import Verdict
from core.store.copying import copy_into
from core.store.tables.readings import ConflictRow, MeterReadingRow, ReadingNumberRow
from core.store.unit_of_work import Session

METERS_PER_QUERY: Final = 100
PAIRS_PER_QUERY: Final = 400  # SQLite's oldest limit is 999 variables a statement


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """What intake needs to know of a stored statement."""

    id: int
    meter_id: str
    sequence: int
    verification_status: str
    reason: str | None
    statement: bytes
    meter_signature: str
    ordinal: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReading:
    """A row to write; fields as in `MeterReadingRow`."""

    id: int
    user_id: int
    wallet_address: str
    meter_id: str
    sequence: int
    statement_kind: int
    kwh_amount: Decimal
    energy_generation_wh: int
    energy_consumption_wh: int
    stated_generation_wh: int
    stated_consumption_wh: int
    reading_timestamp: int
    submitted_at: int
    statement: bytes
    meter_signature: str
    public_key: str
    verification_status: str
    reason: str | None
    ordinal: int | None
    source: str
    extras: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerdict:
    """A changed verdict of a stored row."""

    id: int
    verification_status: str
    reason: str | None
    ordinal: int | None


_READINGS: Table = MeterReadingRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
_STORED = tuple(_READINGS.c[field.name] for field in fields(StoredStatement))
_NEW_FIELDS = tuple(field.name for field in fields(NewReading))
_NEW_VALUES = attrgetter(*_NEW_FIELDS)
_COPIED = (*_NEW_FIELDS, "minted", "created_at", "updated_at")
_REPLACED = tuple(name for name in _NEW_FIELDS if name != "id")
_INSERT_ON_SQLITE = f"INSERT INTO {_READINGS.name} ({', '.join(_COPIED)}) VALUES ({', '.join('?' * len(_COPIED))})"  # noqa: S608  # our own names
_KWH = _NEW_FIELDS.index("kwh_amount")
_REPLACE = (
    sa.update(_READINGS)
    .where(_READINGS.c.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in (*_REPLACED, "updated_at")})
)
_SET_VERDICT = (
    sa.update(_READINGS)
    .where(_READINGS.c.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in ("verification_status", "reason", "ordinal", "updated_at")})
)
_NEXT_IDS_POSTGRESQL = sa.text("SELECT nextval(pg_get_serial_sequence('meter_readings', 'id')) FROM generate_series(1, :count)")


_NUMBERS = sa.select(_READINGS.c.meter_id, _READINGS.c.sequence, _READINGS.c.reading_timestamp).order_by(
    _READINGS.c.meter_id, _READINGS.c.sequence
)


async def next_ids(session: Session, count: int) -> Sequence[int]:
    """Row ids for new readings, ascending; taken in a writing transaction."""
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        return (await connection.execute(_NEXT_IDS_POSTGRESQL, {"count": count})).scalars().all()
    highest = (await connection.execute(sa.select(sa.func.max(_READINGS.c.id)))).scalar() or 0
    return range(highest + 1, highest + 1 + count)


async def insert(session: Session, readings: Sequence[NewReading], *, now: int) -> None:
    """Add rows in one go: by COPY on PostgreSQL, where it costs the bridge and the server less than a row at a time.

    Raises:
        RuntimeError: the session has no transaction yet; take the rows' ids in it first.
    """
    if not readings:
        return
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        await copy_into(connection, _READINGS.name, _COPIED, [(*_NEW_VALUES(one), False, now, now) for one in readings])
        return
    await connection.exec_driver_sql(_INSERT_ON_SQLITE, [_sqlite_values(one, now) for one in readings])


async def replace(session: Session, readings: Sequence[NewReading], *, now: int) -> None:
    """Write over rejected rows whose statement was judged anew; the row keeps its id."""
    if readings:
        connection = await session.connection()
        rows = [_values(one) | {"of_id": one.id, "updated_at": now} for one in readings]
        for row in rows:
            del row["id"]
        await connection.execute(_REPLACE, rows)


async def set_verdicts(session: Session, verdicts: Sequence[NewVerdict], *, now: int) -> None:
    """Decide rows that were in doubt."""
    if verdicts:
        connection = await session.connection()
        rows: list[dict[str, object]] = [
            {
                "of_id": one.id,
                "verification_status": one.verification_status,
                "reason": one.reason,
                "ordinal": one.ordinal,
                "updated_at": now,
            }
            for one in verdicts
        ]
        await connection.execute(_SET_VERDICT, rows)


async def stored_under(session: Session, numbers: Sequence[tuple[str, int]]) -> list[StoredStatement]:
    """What is stored under these (meter, sequence) numbers."""
    connection = await session.connection()
    pair = sa.tuple_(_READINGS.c.meter_id, _READINGS.c.sequence)
    found: list[StoredStatement] = []
    for start in range(0, len(numbers), PAIRS_PER_QUERY):
        statement = sa.select(*_STORED).where(pair.in_(numbers[start : start + PAIRS_PER_QUERY]))
        found += [StoredStatement(*row) for row in (await connection.execute(statement)).all()]
    return found


async def taken(session: Session, meter_id: str, numbers: Sequence[int]) -> set[int]:
    """Those of a meter's numbers that were stored once, though a retention may have let their rows go."""
    connection = await session.connection()
    number = ReadingNumberRow
    found: set[int] = set()
    for start in range(0, len(numbers), PAIRS_PER_QUERY):
        some = numbers[start : start + PAIRS_PER_QUERY]
        statement = sa.select(col(number.sequence)).where(col(number.meter_id) == meter_id, col(number.sequence).in_(some))
        found |= set((await connection.execute(statement)).scalars().all())
    return found


async def around(session: Session, meter_id: str, first: int, last: int) -> list[StoredStatement]:
    """Everything stored from `first` to `last`, with the accepted neighbours below and above; ascending."""
    of_meter = sa.select(*_STORED).where(_READINGS.c.meter_id == meter_id)
    accepted = of_meter.where(_READINGS.c.verification_status == Verdict.ACCEPTED.value)
    below = accepted.where(_READINGS.c.sequence < first).order_by(_READINGS.c.sequence.desc()).limit(1)
    within = of_meter.where(_READINGS.c.sequence.between(first, last)).order_by(_READINGS.c.sequence)
    above = accepted.where(_READINGS.c.sequence > last).order_by(_READINGS.c.sequence).limit(1)
    connection = await session.connection()
    return [StoredStatement(*row) for part in (below, within, above) for row in (await connection.execute(part)).all()]


async def in_doubt(session: Session, meter_id: str, *, above: int) -> list[StoredStatement]:
    """Quarantined statements above a number, ascending."""
    statement = (
        sa.select(*_STORED)
        .where(
            _READINGS.c.meter_id == meter_id,
            _READINGS.c.sequence > above,
            _READINGS.c.verification_status == Verdict.QUARANTINED.value,
        )
        .order_by(_READINGS.c.sequence)
    )
    connection = await session.connection()
    return [StoredStatement(*row) for row in (await connection.execute(statement)).all()]


async def numbers_above(
    session: Session, bounds: Mapping[str, tuple[int, int]], *, widest: int
) -> dict[str, list[tuple[int, int]]]:
    """For each meter what is stored above a number, up to another: (sequence, measured_at), ascending.

    Args:
        session: the transaction.
        bounds: for each meter the number to start above, and the last one.
        widest: how many numbers are looked through; after an empty stretch of that width only the next one is found.
    """
    connection = await session.connection()
    found: dict[str, list[tuple[int, int]]] = {}
    meter_ids = list(bounds)
    for start in range(0, len(meter_ids), METERS_PER_QUERY):
        some = meter_ids[start : start + METERS_PER_QUERY]
        statement = _NUMBERS.where(sa.or_(*(_between(meter_id, *bounds[meter_id], widest) for meter_id in some)))
        for meter_id, sequence, measured_at in (await connection.execute(statement)).all():
            found.setdefault(meter_id, []).append((sequence, measured_at))
    for meter_id in bounds.keys() - found.keys():
        above, last = bounds[meter_id]
        next_one = _NUMBERS.where(_between(meter_id, above, last, last)).limit(1)
        found[meter_id] = [(row[1], row[2]) for row in (await connection.execute(next_one)).all()]
    return found


async def keep_conflict(session: Session, conflict: ConflictRow) -> bool:
    """Keep both contents as evidence, once; whether it is new."""
    statement = select(ConflictRow.id).where(
        ConflictRow.meter_id == conflict.meter_id,
        ConflictRow.sequence == conflict.sequence,
        ConflictRow.second_statement == conflict.second_statement,
    )
    if (await session.exec(statement)).first() is not None:
        return False
    session.add(conflict)
    await session.flush()
    return True


async def find(session: Session, reading_id: int) -> MeterReadingRow | None:
    """One reading by its id."""
    return await session.get(MeterReadingRow, reading_id)


async def find_by_sequence(session: Session, meter_id: str, sequence: int) -> MeterReadingRow | None:
    """One reading by its number."""
    statement = select(MeterReadingRow).where(MeterReadingRow.meter_id == meter_id, MeterReadingRow.sequence == sequence)
    return (await session.exec(statement)).one_or_none()


async def of_user(session: Session, user_id: int, *, before_id: int | None = None, limit: int = 50) -> Sequence[MeterReadingRow]:
    """A user's readings, latest received first, those before `before_id`."""
    statement = select(MeterReadingRow).where(MeterReadingRow.user_id == user_id)
    return await _latest(session, statement, before_id, limit)


async def of_meter(
    session: Session, meter_id: str, *, before_id: int | None = None, limit: int = 50
) -> Sequence[MeterReadingRow]:
    """A meter's readings, latest received first, those before `before_id`."""
    statement = select(MeterReadingRow).where(MeterReadingRow.meter_id == meter_id)
    return await _latest(session, statement, before_id, limit)


async def unminted(session: Session, *, after_id: int = 0, limit: int = 50) -> Sequence[MeterReadingRow]:
    """Accepted readings that the chain has not settled yet, oldest first, those after `after_id`."""
    statement = (
        select(MeterReadingRow)
        .where(
            col(MeterReadingRow.minted).is_(False),
            MeterReadingRow.verification_status == Verdict.ACCEPTED.value,
            col(MeterReadingRow.id) > after_id,
        )
        .order_by(col(MeterReadingRow.id))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def quarantined(session: Session, *, after_id: int = 0, limit: int = 50) -> Sequence[MeterReadingRow]:
    """Readings in doubt, oldest first, those after `after_id`."""
    statement = (
        select(MeterReadingRow)
        .where(MeterReadingRow.verification_status == Verdict.QUARANTINED.value, col(MeterReadingRow.id) > after_id)
        .order_by(col(MeterReadingRow.id))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def count_by_verdict(session: Session) -> dict[str, int]:
    """How many rows have each verification status."""
    statement = select(MeterReadingRow.verification_status, sa.func.count()).group_by(MeterReadingRow.verification_status)
    return dict((await session.exec(statement)).all())


async def _latest(
    session: Session, statement: SelectOfScalar[MeterReadingRow], before_id: int | None, limit: int
) -> Sequence[MeterReadingRow]:
    if before_id is not None:
        statement = statement.where(col(MeterReadingRow.id) < before_id)
    return (await session.exec(statement.order_by(col(MeterReadingRow.id).desc()).limit(limit))).all()


def _between(meter_id: str, above: int, last: int, widest: int) -> sa.ColumnElement[bool]:
    """A meter's numbers above one, up to the last, at most `widest` of them."""
    return sa.and_(
        _READINGS.c.meter_id == meter_id, _READINGS.c.sequence > above, _READINGS.c.sequence <= min(last, above + widest)
    )


def _values(reading: NewReading) -> dict[str, object]:
    return {name: getattr(reading, name) for name in _NEW_FIELDS}


def _sqlite_values(reading: NewReading, now: int) -> tuple[object, ...]:
    """A row as the driver takes it: putting it together for every reading costs more than writing it."""
    values = _NEW_VALUES(reading)
    return (*values[:_KWH], str(reading.kwh_amount), *values[_KWH + 1 :], False, now, now)
