"""What an audit reads from the rows beside the ledgers: for a run of meters, from one id to another. Energy in Wh."""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func
from sqlmodel import col

from core.domain.verdicts import Verdict
from core.store.ledger_rows import MintedReach, ReadingSums, UnknownMints
from core.store.tables.chain import ChainEventRow
from core.store.tables.meters import DeviceKeyRow
from core.store.tables.readings import MeterReadingRow
from core.store.tables.settlement import SettlementWorkRow
from core.store.unit_of_work import Session
from core.store.work import DUE, LEASED, REVIEW

OUR_PROGRAMS: Final = ("registry", "oracle", "energy_token")
STRANGE_AT_MOST: Final = 20
NO_END: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Meters from the first to the last, both included."""

    first: str
    last: str

    def has(self, column: Any) -> ColumnElement[bool]:
        """Whether a meter id is one of them."""
        return sa.and_(col(column) >= self.first, col(column) <= self.last)


async def sums(session: Session, run: Run, verdict: Verdict) -> dict[str, ReadingSums]:
    """Readings of one verdict that are not minted, in figures; those of no meter without any."""
    row = MeterReadingRow
    statement = (
        sa.select(
            col(row.meter_id),
            func.count(),
            func.sum(row.stated_generation_wh),
            func.sum(row.stated_consumption_wh),
            func.max(row.stated_generation_wh),
            func.max(row.stated_consumption_wh),
        )
        .where(~col(row.minted), col(row.verification_status) == verdict.value, run.has(row.meter_id))
        .group_by(col(row.meter_id))
    )
    rows = await (await session.connection()).execute(statement)
    return {
        meter_id: ReadingSums(
            count=count,
            generation_wh=int(generation),
            consumption_wh=int(consumption),
            highest_generation_wh=int(highest_generation),
            highest_consumption_wh=int(highest_consumption),
        )
        for meter_id, count, generation, consumption, highest_generation, highest_consumption in rows
    }


async def minted_reach(session: Session, run: Run) -> dict[str, MintedReach]:
    """How far each meter's readings are marked minted."""
    row = MeterReadingRow
    statement = (
        sa.select(col(row.meter_id), func.max(row.sequence), func.max(func.coalesce(row.ordinal, 0)))
        .where(col(row.minted), run.has(row.meter_id))
        .group_by(col(row.meter_id))
    )
    rows = await (await session.connection()).execute(statement)
    return {meter_id: MintedReach(sequence=sequence, ordinal=ordinal) for meter_id, sequence, ordinal in rows}


async def unknown_mints(session: Session, run: Run) -> dict[str, UnknownMints]:
    """Readings that are called minted by transactions of which no event is written down."""
    row = MeterReadingRow
    told = sa.exists().where(col(ChainEventRow.signature) == col(row.mint_tx_signature))
    net = func.sum(row.energy_generation_wh) - func.sum(row.energy_consumption_wh)
    statement = (
        sa.select(col(row.meter_id), func.count(), func.min(row.sequence), net)
        .where(col(row.minted), run.has(row.meter_id), ~told)
        .group_by(col(row.meter_id))
    )
    rows = await (await session.connection()).execute(statement)
    return {
        meter_id: UnknownMints(count=count, first_sequence=first, net_wh=int(net_wh)) for meter_id, count, first, net_wh in rows
    }


async def working_to(session: Session, run: Run) -> dict[str, int]:
    """Up to which sequence meters are somebody's work; those that are nobody's are left out."""
    row = SettlementWorkRow
    statement = sa.select(col(row.meter_id)).where(run.has(row.meter_id), col(row.state).in_((DUE, LEASED, REVIEW)))
    rows = await (await session.connection()).execute(statement)
    return dict.fromkeys(rows.scalars().all(), NO_END)


async def device_keys(session: Session, run: Run) -> dict[str, str]:
    """The key that signs for each meter now."""
    row = DeviceKeyRow
    statement = sa.select(col(row.meter_id), col(row.public_key)).where(
        run.has(row.meter_id), col(row.valid_until).is_(None), col(row.revoked_at).is_(None)
    )
    rows = (await (await session.connection()).execute(statement)).all()
    return {meter_id: key for meter_id, key in rows}  # noqa: C416  # rows are no pairs to a type checker


async def strange_events(session: Session) -> list[str]:
    """Some events of programs that are none of ours, by signature and number."""
    row = ChainEventRow
    statement = (
        sa.select(col(row.signature), col(row.event_index)).where(col(row.program).not_in(OUR_PROGRAMS)).limit(STRANGE_AT_MOST)
    )
    rows = await (await session.connection()).execute(statement)
    return [f"{signature} {index}" for signature, index in rows]


async def zone_changes(session: Session) -> list[tuple[str, int | None]]:
    """What every event that set a zone's cap said, as JSON, and when by the chain's clock; oldest first."""
    row = ChainEventRow
    statement = (
        sa.select(col(row.payload), col(row.block_time))
        .where(col(row.name) == "ZoneChanged")
        .order_by(col(row.slot), col(row.id))
    )
    rows = (await (await session.connection()).execute(statement)).all()
    return [(payload, at) for payload, at in rows]


async def signatures(session: Session, *, after: int, limit: int) -> dict[str, int]:
    """Transactions of the next so many events behind an event's number, with the last such number of each."""
    row = ChainEventRow
    statement = sa.select(col(row.signature), col(row.id)).where(col(row.id) > after).order_by(col(row.id)).limit(limit)
    rows = (await (await session.connection()).execute(statement)).all()
    return {signature: number or 0 for signature, number in rows}
