"""Which address lookup tables the bridge has made, and which meter's accounts lie in which."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, delete, select

from core.domain.readings import MeterStatus
from core.store.tables.lookup_tables import LookupTableMeterRow, LookupTableRow
from core.store.tables.meters import MeterRow
from core.store.unit_of_work import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class TabledMeter:
    """A meter with its table, if it has one."""

    meter_id: str
    token_account: str
    zone: int
    address: str | None


async def addresses(session: Session, authority: str) -> list[str]:
    """The tables of an authority, oldest first."""
    statement = (
        select(LookupTableRow.address)
        .where(col(LookupTableRow.authority) == authority)
        .order_by(col(LookupTableRow.created_at_ms), col(LookupTableRow.address))
    )
    return list((await session.exec(statement)).all())


async def meters(session: Session) -> list[TabledMeter]:
    """All meters in use with their tables, neighbours by zone."""
    statement = (
        select(MeterRow.meter_id, MeterRow.token_account, MeterRow.zone, LookupTableMeterRow.address)
        .outerjoin(LookupTableMeterRow, col(LookupTableMeterRow.meter_id) == col(MeterRow.meter_id))
        .where(col(MeterRow.status) != int(MeterStatus.RETIRED))
        .order_by(col(MeterRow.zone), col(MeterRow.meter_id))
    )
    return [
        TabledMeter(meter_id=meter_id, token_account=token_account, zone=zone, address=address)
        for meter_id, token_account, zone, address in (await session.exec(statement)).all()
    ]


async def add(session: Session, *, address: str, authority: str, recent_slot: int, now_ms: int) -> None:
    """Remember a table before its creation is sent."""
    session.add(LookupTableRow(address=address, authority=authority, recent_slot=recent_slot, created_at_ms=now_ms))
    await session.flush()


async def forget(session: Session, address: str) -> None:
    """A table that never came to be: its meters need another."""
    await session.exec(delete(LookupTableMeterRow).where(col(LookupTableMeterRow.address) == address))
    await session.exec(delete(LookupTableRow).where(col(LookupTableRow.address) == address))


async def assign(session: Session, meter_ids: Sequence[str], address: str) -> None:
    """These meters' accounts lie in this table from now on."""
    for meter_id in meter_ids:
        await session.merge(LookupTableMeterRow(meter_id=meter_id, address=address))
    await session.flush()
