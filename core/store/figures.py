"""What an operator's figures are read from: a few counts over rows, each by an index or over the small tables."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import case, func
from sqlmodel import col, select

from core.domain.readings import MeterStatus, StatementKind
from core.domain.verdicts import Verdict
from core.store.tables.meters import MeterRow
from core.store.tables.readings import MeterReadingRow
from core.store.tables.settlement import OutboxRow, SettlementWorkRow
from core.store.unit_of_work import Session
from core.store.work import DUE, OPEN_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One look at the rows. Energy in Wh, times in Unix milliseconds."""

    work: dict[str, int]
    """Meters by the state of their settlement."""
    oldest_due_at_ms: int | None
    most_attempts: int
    outbox: dict[str, int]
    """Transactions without an end, by state."""
    oldest_open_at_ms: int | None
    meters: dict[str, int]
    """By status."""
    meters_with_gaps: int
    meters_silent: int
    in_doubt: dict[str, int]
    """Quarantined readings by reason."""
    quarantined_generation_wh: int
    quarantined_consumption_wh: int


async def read(session: Session, *, silent_before: int) -> Figures:
    """Read all of them in the caller's snapshot.

    Args:
        session: a reading transaction.
        silent_before: Unix seconds; an active meter whose newest accepted reading is older is silent.
    """
    work, oldest_due, attempts = await _work(session)
    outbox, oldest_open = await _outbox(session)
    meters, with_gaps, silent = await _meters(session, silent_before)
    generation, consumption = await _quarantined(session)
    return Figures(
        work=work,
        oldest_due_at_ms=oldest_due,
        most_attempts=attempts,
        outbox=outbox,
        oldest_open_at_ms=oldest_open,
        meters=meters,
        meters_with_gaps=with_gaps,
        meters_silent=silent,
        in_doubt=await _in_doubt(session),
        quarantined_generation_wh=generation,
        quarantined_consumption_wh=consumption,
    )


async def _work(session: Session) -> tuple[dict[str, int], int | None, int]:
    state, due_at = col(SettlementWorkRow.state), col(SettlementWorkRow.due_at_ms)
    oldest = func.min(case((state == DUE, due_at)))
    rows = (
        await session.exec(select(state, func.count(), oldest, func.max(col(SettlementWorkRow.attempts))).group_by(state))
    ).all()
    oldest_due = next((due for name, _, due, _ in rows if name == DUE), None)
    return {name: count for name, count, _, _ in rows}, oldest_due, max((most for *_, most in rows), default=0)


async def _outbox(session: Session) -> tuple[dict[str, int], int | None]:
    status = col(OutboxRow.status)
    statement = select(status, func.count(), func.min(OutboxRow.created_at_ms)).where(status.in_(OPEN_STATUSES)).group_by(status)
    rows = (await session.exec(statement)).all()
    return {name: count for name, count, _ in rows}, min((created for *_, created in rows), default=None)


async def _meters(session: Session, silent_before: int) -> tuple[dict[str, int], int, int]:
    status = col(MeterRow.status)
    has_gap = col(MeterRow.contiguous_sequence) < col(MeterRow.highest_sequence)
    is_silent = (status == int(MeterStatus.ACTIVE)) & (col(MeterRow.last_measured_at) < silent_before)
    statement = select(
        status, func.count(), func.sum(case((has_gap, 1), else_=0)), func.sum(case((is_silent, 1), else_=0))
    ).group_by(status)
    rows = (await session.exec(statement)).all()
    names = {int(status): status.name.lower() for status in MeterStatus}
    counts = {names.get(number, "other"): count for number, count, _, _ in rows}
    return counts, sum(int(gaps) for _, _, gaps, _ in rows), sum(int(silent) for *_, silent in rows)


async def _in_doubt(session: Session) -> dict[str, int]:
    reason = col(MeterReadingRow.reason)
    in_doubt = col(MeterReadingRow.verification_status) == Verdict.QUARANTINED.value
    unminted = ~col(MeterReadingRow.minted)  # what is quarantined is never minted; the index begins with it
    rows = (await session.exec(select(reason, func.count()).where(unminted, in_doubt).group_by(reason))).all()
    return {name or "": count for name, count in rows}


async def _quarantined(session: Session) -> tuple[int, int]:
    """Registers contain each other, so a meter's highest one counts; intervals add up."""
    reading, meter = MeterReadingRow, MeterRow
    of_meter = (
        sa.select(
            col(meter.statement_kind),
            col(meter.last_generation_wh),
            col(meter.last_consumption_wh),
            func.max(reading.stated_generation_wh),
            func.max(reading.stated_consumption_wh),
            func.sum(reading.stated_generation_wh),
            func.sum(reading.stated_consumption_wh),
        )
        .join(meter, col(meter.meter_id) == col(reading.meter_id))
        .where(~col(reading.minted), col(reading.verification_status) == Verdict.QUARANTINED.value)
        .group_by(col(meter.meter_id), col(meter.statement_kind), col(meter.last_generation_wh), col(meter.last_consumption_wh))
    )
    connection = await session.connection()
    generation = consumption = 0
    for kind, last_out, last_in, high_out, high_in, sum_out, sum_in in (await connection.execute(of_meter)).all():
        is_register = kind == int(StatementKind.REGISTER)
        generation += max(0, int(high_out) - last_out) if is_register else int(sum_out)
        consumption += max(0, int(high_in) - last_in) if is_register else int(sum_in)
    return generation, consumption
