"""Meters: who they are and how far they are. Energy in Wh, times in Unix seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Table, bindparam, update
from sqlmodel import col, select

from core.domain.readings import MeterStatus
from core.store.tables.meters import BrokerCredentialRow, MeterRow
from core.store.tables.readings import MeterReadingRow
from core.store.tables.users import UserRow
from core.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class MeterStanding:
    """A meter and its owner as intake judges them; fields as in `MeterRow`."""

    meter_id: str
    fleet: str
    user_id: int
    wallet_address: str
    status: int
    statement_kind: int
    asset_kind: int
    rated_power_out_w: int
    rated_power_in_w: int
    base_sequence: int
    base_measured_at: int
    base_generation_wh: int
    base_consumption_wh: int
    highest_sequence: int
    contiguous_sequence: int
    last_sequence: int
    last_measured_at: int
    last_generation_wh: int
    last_consumption_wh: int
    credited_generation_wh: int
    credited_consumption_wh: int
    accepted_count: int
    budget_generation_ws: int
    budget_consumption_ws: int
    budget_at: int
    held_from_sequence: int | None
    owner_verified: bool
    has_numbers_beyond: bool
    """Something is stored under a number above the highest: a jump too far ahead, or a wrong kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterProgress:
    """What readings change in a meter's row."""

    meter_id: str
    status: int
    highest_sequence: int
    contiguous_sequence: int
    last_sequence: int
    last_measured_at: int
    last_generation_wh: int
    last_consumption_wh: int
    credited_generation_wh: int
    credited_consumption_wh: int
    accepted_count: int
    budget_generation_ws: int
    budget_consumption_ws: int
    budget_at: int
    held_from_sequence: int | None


_METERS: Table = MeterRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
_READINGS: Table = MeterReadingRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
_BEYOND = sa.exists().where(_READINGS.c.meter_id == _METERS.c.meter_id, _READINGS.c.sequence > _METERS.c.highest_sequence)
_STANDINGS = (
    sa.select(*(_METERS.c[field.name] for field in fields(MeterStanding)[:-2]), col(UserRow.verified), _BEYOND)
    .join(UserRow, col(UserRow.id) == _METERS.c.user_id)
    .where(_METERS.c.meter_id.in_(bindparam("meter_ids", expanding=True)))
    .order_by(_METERS.c.meter_id)
)
_LOCKED_STANDINGS = _STANDINGS.with_for_update(of=MeterRow)
_PROGRESS_FIELDS = tuple(field.name for field in fields(MeterProgress) if field.name != "meter_id")
_SAVE = (
    update(_METERS)
    .where(_METERS.c.meter_id == bindparam("of_meter_id"))
    .values({name: bindparam(name) for name in (*_PROGRESS_FIELDS, "updated_at")})
)


async def standings(session: Session, meter_ids: Sequence[str]) -> dict[str, MeterStanding]:
    """The known ones of these meters."""
    return await _read_standings(session, _STANDINGS, meter_ids)


async def locked_standings(session: Session, meter_ids: Sequence[str]) -> dict[str, MeterStanding]:
    """The known ones of these meters, locked until the transaction ends, always in the order of their ids."""
    return await _read_standings(session, _LOCKED_STANDINGS, meter_ids)


async def save_progress(session: Session, progress: Sequence[MeterProgress], *, now: int) -> None:
    """Write what readings changed."""
    if not progress:
        return
    rows = [
        {"of_meter_id": one.meter_id, "updated_at": now, **{name: getattr(one, name) for name in _PROGRESS_FIELDS}}
        for one in progress
    ]
    connection = await session.connection()
    await connection.execute(_SAVE, rows)


async def find(session: Session, meter_id: str) -> MeterRow | None:
    """One meter by its id."""
    return await session.get(MeterRow, meter_id)


async def find_for_change(session: Session, meter_id: str) -> MeterRow | None:
    """One meter by its id, locked until the transaction ends."""
    return await session.get(MeterRow, meter_id, with_for_update=True)


async def find_by_legacy_id(session: Session, legacy_id: str) -> MeterRow | None:
    """The meter that an import gave a generated id."""
    return (await session.exec(select(MeterRow).where(MeterRow.legacy_id == legacy_id))).one_or_none()


async def page(
    session: Session, *, fleet: str | None = None, status: MeterStatus | None = None, after: str = "", limit: int = 50
) -> Sequence[MeterRow]:
    """Meters in the order of their ids, those after `after`."""
    statement = select(MeterRow).where(col(MeterRow.meter_id) > after).order_by(col(MeterRow.meter_id)).limit(limit)
    if fleet is not None:
        statement = statement.where(MeterRow.fleet == fleet)
    if status is not None:
        statement = statement.where(MeterRow.status == int(status))
    return (await session.exec(statement)).all()


async def write_status(session: Session, meter_id: str, status: MeterStatus, *, reason: str | None, now: int) -> None:
    """Change a meter's status; the caller has checked that the change is allowed."""
    await session.exec(
        update(MeterRow)
        .where(col(MeterRow.meter_id) == meter_id)
        .values(status=int(status), status_reason=None if reason is None else reason[:200], updated_at=now)
    )


async def find_credential(session: Session, username: str) -> BrokerCredentialRow | None:
    """The credential of a broker user."""
    return await session.get(BrokerCredentialRow, username)


async def all_credentials(session: Session) -> Sequence[BrokerCredentialRow]:
    """Every device's credential, for the configuration of a real broker."""
    return (await session.exec(select(BrokerCredentialRow).order_by(BrokerCredentialRow.username))).all()


async def _read_standings(session: Session, statement: sa.Select[Any], meter_ids: Sequence[str]) -> dict[str, MeterStanding]:
    connection = await session.connection()
    found = (await connection.execute(statement, {"meter_ids": list(meter_ids)})).all()
    return {row[0]: MeterStanding(*row) for row in found}
