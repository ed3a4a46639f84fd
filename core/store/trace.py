"""Where one reading is on its way, from the rows alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from core.store.tables.readings import MeterReadingRow
from core.store.tables.settlement import OutboxItemRow, OutboxRow, SettlementWorkRow
from core.store.unit_of_work import Session

TRANSACTIONS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A transaction that stated this reading or a later one of its meter."""

    outbox: int
    kind: str
    status: str
    signature: str | None
    states_sequence: int
    created_at_ms: int
    ended_at_ms: int | None
    slot: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All that the rows say about one reading."""

    reading: MeterReadingRow | None
    work: SettlementWorkRow | None
    carried: Sequence[Carried]
    """Oldest first, up to the one that landed."""


async def of_reading(session: Session, meter_id: str, sequence: int) -> Trace:
    """Follow the reading `<meter>:<sequence>`."""
    reading = MeterReadingRow
    found = await session.exec(select(reading).where(col(reading.meter_id) == meter_id, col(reading.sequence) == sequence))
    return Trace(
        reading=found.first(),
        work=await session.get(SettlementWorkRow, meter_id),
        carried=await _carried(session, meter_id, sequence),
    )


async def _carried(session: Session, meter_id: str, sequence: int) -> list[Carried]:
    """Transactions that may contain it: a later statement stands for all before it."""
    statement = (
        select(OutboxRow, OutboxItemRow)
        .join(OutboxItemRow, col(OutboxItemRow.outbox_id) == col(OutboxRow.id))
        .where(col(OutboxItemRow.meter_id) == meter_id, col(OutboxItemRow.sequence) >= sequence, col(OutboxRow.kind) != "settle")
        .order_by(col(OutboxRow.id))
        .limit(TRANSACTIONS_SHOWN)
    )
    shown: list[Carried] = []
    for row, item in (await session.exec(statement)).all():
        shown.append(_shown(row, item))
        if row.status == "landed":
            break
    return shown


def _shown(row: OutboxRow, item: OutboxItemRow) -> Carried:
    return Carried(
        outbox=row.id or 0,
        kind=row.kind,
        status=row.status,
        signature=row.signature,
        states_sequence=item.sequence,
        created_at_ms=row.created_at_ms,
        ended_at_ms=row.ended_at_ms,
        slot=row.slot,
        error=row.error,
    )
