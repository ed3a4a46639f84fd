"""How far one settlement may bring a meter whose chain ledger lags behind. Times in Unix seconds, energy in Wh.

Intake judges every reading by itself, the chain judges what lies between two settlements at once, and its energy budget
never holds more than 7 days of full power. After a long outage a meter that ran hard therefore goes up in steps: each is
the meter as it stood after some number of accepted readings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, case, func, tuple_
from sqlmodel import and_, col, or_, select

from core.domain.budget import MARGIN_DENOMINATOR, MARGIN_NUMERATOR, SAVED_UP_S, cap_ws, covers
from core.domain.readings import StatementKind
from core.domain.verdicts import Verdict
from core.store.tables.chain import LedgerRow
from core.store.tables.meters import MeterRow
from core.store.tables.readings import MeterReadingRow
from core.store.unit_of_work import Session

STEP_S: Final = SAVED_UP_S * MARGIN_DENOMINATOR // MARGIN_NUMERATOR - 3_600
"""Longest span of one step: a meter at its plate's margin fills the chain's budget in it, less an hour."""
METERS_PER_QUERY: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What intake accepted of a meter and the chain does not hold."""

    first: int
    """Ordinal of the first reading."""
    first_beyond: int | None
    """Ordinal of the first that was measured more than STEP_S after the chain's last; None when there is none."""
    newest: int
    generation_wh: int
    consumption_wh: int
    rated_power_out_w: int
    rated_power_in_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A meter as it stood after its `ordinal`-th accepted reading."""

    ordinal: int
    reading: MeterReadingRow
    """The one of the highest sequence by then."""
    later_generation_wh: int
    """Accepted after it."""
    later_consumption_wh: int


def lags(*, newest_at: int, reached_at: int) -> bool:
    """Whether the newest accepted reading is so far from the chain's last that one step may not do."""
    return newest_at - reached_at > STEP_S


def next_ordinal(pending: Pending) -> int:
    """Up to which accepted reading the next settlement goes: all if the chain's budget can hold it, else one step.

    A step ends before the first reading beyond STEP_S, but always has at least one reading.
    """
    fits = covers(cap_ws(pending.rated_power_out_w), pending.generation_wh) and covers(
        cap_ws(pending.rated_power_in_w), pending.consumption_wh
    )
    if fits or pending.first_beyond is None:
        return pending.newest
    return max(pending.first, pending.first_beyond - 1)


async def steps_of(session: Session, reached_at: Mapping[str, int]) -> dict[str, Step]:
    """The next step of those lagging meters that can't be settled at once.

    Args:
        session: the transaction.
        reached_at: for each lagging meter when the chain's last reading was measured.
    """
    found: dict[str, Step] = {}
    for some in _chunks(sorted(reached_at)):
        pending = await _pending(session, {meter_id: reached_at[meter_id] for meter_id in some})
        ends = {meter_id: next_ordinal(one) for meter_id, one in pending.items()}
        short = {meter_id: end for meter_id, end in ends.items() if end < pending[meter_id].newest}
        if short:
            found |= await _steps(session, short)
    return found


async def _pending(session: Session, reached_at: Mapping[str, int]) -> dict[str, Pending]:
    row, meter, ledger = MeterReadingRow, MeterRow, LedgerRow
    beyond = or_(*(and_(col(row.meter_id) == name, col(row.reading_timestamp) > at + STEP_S) for name, at in reached_at.items()))
    not_on_chain = or_(
        and_(
            col(meter.statement_kind) == int(StatementKind.REGISTER),
            col(row.sequence) > func.coalesce(col(ledger.sequence), 0),
        ),
        and_(
            col(meter.statement_kind) == int(StatementKind.INTERVAL),
            col(row.ordinal) > func.coalesce(col(ledger.entry_number), 0),
        ),
    )
    statement = (
        sa.select(
            col(row.meter_id),
            func.min(col(row.ordinal)),
            func.min(case((beyond, col(row.ordinal)))),
            func.max(col(row.ordinal)),
            func.sum(row.energy_generation_wh),
            func.sum(row.energy_consumption_wh),
            func.max(meter.rated_power_out_w),
            func.max(meter.rated_power_in_w),
        )
        .join(meter, col(meter.meter_id) == col(row.meter_id))
        .outerjoin(ledger, col(ledger.meter_id) == col(row.meter_id))
        .where(col(row.meter_id).in_(list(reached_at)), col(row.verification_status) == Verdict.ACCEPTED.value, not_on_chain)
        .group_by(col(row.meter_id))
    )
    connection = await session.connection()
    return {
        name: Pending(
            first=first or 0,
            first_beyond=first_beyond,
            newest=newest or 0,
            generation_wh=int(generation_wh),
            consumption_wh=int(consumption_wh),
            rated_power_out_w=out_w,
            rated_power_in_w=in_w,
        )
        for name, first, first_beyond, newest, generation_wh, consumption_wh, out_w, in_w in await connection.execute(statement)
    }


async def _steps(session: Session, ends: Mapping[str, int]) -> dict[str, Step]:
    row = MeterReadingRow
    accepted = col(row.verification_status) == Verdict.ACCEPTED.value
    highest = select(col(row.meter_id), func.max(row.sequence)).where(accepted, _ordinal_in(ends)).group_by(col(row.meter_id))
    heads = (await session.exec(select(row).where(tuple_(col(row.meter_id), col(row.sequence)).in_(highest)))).all()
    sums = (
        select(col(row.meter_id), func.sum(row.energy_generation_wh), func.sum(row.energy_consumption_wh))
        .where(accepted, _ordinal_in(ends, later=True))
        .group_by(col(row.meter_id))
    )
    later = {name: (int(generation), int(consumption)) for name, generation, consumption in (await session.exec(sums)).all()}
    return {
        head.meter_id: Step(
            ordinal=ends[head.meter_id],
            reading=head,
            later_generation_wh=later[head.meter_id][0],
            later_consumption_wh=later[head.meter_id][1],
        )
        for head in heads
    }


def _ordinal_in(ends: Mapping[str, int], *, later: bool = False) -> ColumnElement[bool]:
    """Readings up to each meter's end, or those after it."""
    name, ordinal = col(MeterReadingRow.meter_id), col(MeterReadingRow.ordinal)
    return or_(*(and_(name == meter_id, ordinal > end if later else ordinal <= end) for meter_id, end in ends.items()))


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), METERS_PER_QUERY):
        yield names[start : start + METERS_PER_QUERY]
