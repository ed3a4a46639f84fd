"""What the chain said, as rows: events, cursors, ledgers, and which readings are minted. All derived, all rebuildable."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, SQLColumnExpression, Table, Update, bindparam, case, func, literal, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, select

from core.domain.readings import StatementKind
from core.domain.verdicts import Verdict
from core.store.tables.chain import ChainCursorRow, ChainEventRow, LedgerRow
from core.store.tables.ledger_standings import LedgerStandingRow
from core.store.tables.lookup_tables import LookupTableMeterRow
from core.store.tables.meters import MeterRow
from core.store.tables.readings import MeterReadingRow
from core.store.unit_of_work import Session
from core.store.upserts import greater, insert_into

SIGNATURES_A_QUERY: Final = 500
_READINGS: Table = MeterReadingRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of our own programs; its payload is JSON with integers above 2^53 as text."""

    program: str
    name: str
    index: int
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The place of a settlement that is written down after what followed it on the chain."""

    sequence: int
    """What the meter's ledger had reached then."""
    entry_number: int
    later: frozenset[str]
    """Transactions of the meter that followed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChange:
    """What one transaction did to one meter's ledger. Energy in Wh."""

    meter_id: str
    sequence: int | None = None
    """Sequence that it credited, if it credited."""
    entry_number: int | None = None
    """Attested entry that it credited, if any."""
    moved_wh: int = 0
    """Minted (above zero) or burned (below zero)."""
    correction_wh: int = 0
    is_square: bool = False
    """It left nothing owed and nothing unsettled."""
    late: Late | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A successful transaction with what it did."""

    signature: str
    slot: int
    at: int | None
    """Unix seconds by the chain's clock; None when neither an event nor the node tells."""
    events: tuple[Event, ...]
    changes: tuple[LedgerChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a program's transactions were read."""

    program: str
    signature: str
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """A meter's ledger beside what intake accepted. Energy in Wh."""

    meter_id: str
    wallet_address: str
    token_account: str
    zone: int
    sequence: int
    entry_number: int
    credited_generation_wh: int
    credited_consumption_wh: int
    correction_net_wh: int
    settled_net_wh: int
    minted_wh: int
    burned_wh: int
    accepted_generation_wh: int
    accepted_consumption_wh: int
    accepted_count: int
    last_sequence: int
    base_sequence: int
    highest_sequence: int
    last_generation_wh: int
    """Newest accepted register of a register meter."""
    last_consumption_wh: int
    statement_kind: int
    lookup_table: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSums:
    """What a meter's events add up to. Energy in Wh."""

    meter_id: str
    sequence: int
    entry_number: int
    settled_net_wh: int
    minted_wh: int
    burned_wh: int
    correction_net_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedTotals:
    """What a meter's account on chain says was credited in all. Energy in Wh."""

    meter_id: str
    generation_wh: int
    consumption_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSums:
    """A meter's readings of one verdict in figures. Energy in Wh."""

    count: int = 0
    generation_wh: int = 0
    """Sum of the stated energies: of meaning for interval meters."""
    consumption_wh: int = 0
    highest_generation_wh: int = 0
    """Highest stated field: of meaning for register meters."""
    highest_consumption_wh: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedReach:
    """The farthest reading of a meter that is marked minted."""

    sequence: int
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownMints:
    """A meter's readings that are called minted by transactions that no event tells of."""

    count: int
    first_sequence: int
    net_wh: int
    """Their generation less their consumption, Wh."""


async def known_signatures(session: Session, signatures: Sequence[str]) -> set[str]:
    """Those of these transactions whose events are written down; all of one transaction's or none."""
    known: set[str] = set()
    for start in range(0, len(signatures), SIGNATURES_A_QUERY):
        part = signatures[start : start + SIGNATURES_A_QUERY]
        statement = select(ChainEventRow.signature).where(col(ChainEventRow.signature).in_(part)).distinct()
        known |= set((await session.exec(statement)).all())
    return known


async def write_down(session: Session, landed: Landed) -> bool:
    """Add a transaction's events, its effect on ledgers, and the readings that are minted by it.

    Everything is a sum or a maximum, so transactions may come in any order; False when this one was written before.
    """
    if not landed.events or await known_signatures(session, [landed.signature]):
        return False
    session.add_all(
        ChainEventRow(
            signature=landed.signature,
            event_index=event.index,
            slot=landed.slot,
            block_time=landed.at,
            program=event.program,
            name=event.name,
            payload=event.payload,
        )
        for event in landed.events
    )
    await session.flush()
    await _add_to_ledgers(session, landed)
    await _add_to_standings(session, landed)
    square = [change for change in landed.changes if change.is_square]
    for change in square:
        await _mark_late(session, change, landed)
    await _mark_minted_of(session, [change.meter_id for change in square])
    return True


async def updated_slots(session: Session, meter_ids: Sequence[str]) -> dict[str, int]:
    """The newest slot that was written to each of these ledgers."""
    row = LedgerRow
    statement = select(row.meter_id, row.updated_slot).where(col(row.meter_id).in_(meter_ids))
    return dict((await session.exec(statement)).all())


async def mark_minted(session: Session) -> int:
    """Mark accepted readings that the chain has settled through (R3.5); returns how many.

    Called from time to time, for history that was accepted after its settlement. Each reading names the first transaction
    that settled through it, whenever it was accepted.
    """
    connection = await session.connection()
    return (await connection.execute(_marking_minted(of_one_meter=False))).rowcount


async def _mark_minted_of(session: Session, meter_ids: Sequence[str]) -> None:
    """The same of some meters, after their settlement."""
    if meter_ids:
        connection = await session.connection()
        await connection.execute(_marking_minted(of_one_meter=True), [{"of_meter_id": meter_id} for meter_id in meter_ids])


@cache
def _marking_minted(*, of_one_meter: bool) -> Update:
    """Made once: putting it together costs many times what it takes to run."""
    standing, reading = LedgerStandingRow, MeterReadingRow
    where: list[ColumnElement[bool]] = [
        ~col(reading.minted),
        col(reading.verification_status) == Verdict.ACCEPTED.value,
        col(standing.meter_id) == col(reading.meter_id),
        _reached(col(standing.through_sequence), col(standing.through_entry)),
    ]
    if of_one_meter:
        where += [col(reading.meter_id) == bindparam("of_meter_id"), col(standing.meter_id) == bindparam("of_meter_id")]
    return (
        update(_READINGS)
        .where(*where)
        .values(
            minted=True,
            mint_tx_signature=_first_above(col(reading.mint_tx_signature), col(standing.through_signature)),
            mint_timestamp=_first_above(col(reading.mint_timestamp), col(standing.through_at)),
            updated_at=greater(col(standing.through_at), col(reading.updated_at)),
        )
    )


def _reached(sequence: SQLColumnExpression[int], entry: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Registers contain what came before them; intervals are credited in the order of their acceptance."""
    reading = MeterReadingRow
    return or_(
        and_(col(reading.statement_kind) == int(StatementKind.REGISTER), col(reading.sequence) <= sequence),
        and_(col(reading.statement_kind) == int(StatementKind.INTERVAL), col(reading.ordinal) <= entry),
    )


def _first_above(column: Any, otherwise: Any) -> ColumnElement[Any]:
    """History was settled with the register above it: what that one names; `otherwise` where none above is minted."""
    above = aliased(MeterReadingRow)
    same = sa.select(getattr(above, column.key)).where(
        col(MeterReadingRow.statement_kind) == int(StatementKind.REGISTER),
        col(above.meter_id) == col(MeterReadingRow.meter_id),
        col(above.sequence) > col(MeterReadingRow.sequence),
        col(above.minted),
    )
    nearest = same.order_by(col(above.sequence)).limit(1).correlate(MeterReadingRow).scalar_subquery()
    return func.coalesce(nearest, otherwise)


async def _mark_late(session: Session, change: LedgerChange, landed: Landed) -> None:
    """Give a settlement what later ones were given because they were written down before it."""
    if change.late is None:
        return
    reading, standing, late = MeterReadingRow, LedgerStandingRow, change.late
    await session.exec(
        update(reading)
        .where(
            col(reading.meter_id) == change.meter_id,
            col(reading.mint_tx_signature).in_(late.later),
            _reached(literal(late.sequence), literal(late.entry_number)),
        )
        .values(mint_tx_signature=landed.signature, mint_timestamp=landed.at)
        .execution_options(synchronize_session=False)
    )
    await session.exec(
        update(standing)
        .where(
            col(standing.meter_id) == change.meter_id,
            col(standing.through_sequence) == late.sequence,
            col(standing.through_entry) == late.entry_number,
            col(standing.through_signature).in_(late.later),
        )
        .values(through_signature=landed.signature, through_at=landed.at)
        .execution_options(synchronize_session=False)
    )


async def cursors(session: Session) -> dict[str, Cursor]:
    """How far each program's transactions were read."""
    rows = (await session.exec(select(ChainCursorRow))).all()
    return {row.program: Cursor(program=row.program, signature=row.signature, slot=row.slot) for row in rows}


async def set_cursor(session: Session, cursor: Cursor) -> None:
    """Everything of a program up to and including this transaction was read."""
    await session.merge(ChainCursorRow(program=cursor.program, signature=cursor.signature, slot=cursor.slot))
    await session.flush()


async def set_credited(session: Session, totals: Sequence[CreditedTotals]) -> None:
    """Copy the credited totals that the meters' accounts hold; they only grow."""
    if not totals:
        return
    connection = await session.connection()
    await connection.execute(
        _setting_credited(connection.dialect.name),
        [
            {
                "meter_id": total.meter_id,
                "credited_generation_wh": total.generation_wh,
                "credited_consumption_wh": total.consumption_wh,
                "sequence": 0,
                "entry_number": 0,
                "settled_net_wh": 0,
                "minted_wh": 0,
                "burned_wh": 0,
                "updated_slot": 0,
            }
            for total in totals
        ],
    )


@cache
def _setting_credited(dialect: str) -> sqlite.Insert | postgresql.Insert:
    insert, row = insert_into(LedgerRow, dialect), LedgerRow
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["meter_id"],
        set_={
            "credited_generation_wh": greater(col(row.credited_generation_wh), new.credited_generation_wh),
            "credited_consumption_wh": greater(col(row.credited_consumption_wh), new.credited_consumption_wh),
        },
    )


async def moved_since(session: Session, slot: int) -> tuple[list[str], int]:
    """Meters whose ledgers moved in or after a slot, and the newest slot of all; a slot is looked at twice rather than never."""
    statement = (
        select(LedgerRow.meter_id, LedgerRow.updated_slot)
        .where(col(LedgerRow.updated_slot) >= slot)
        .order_by(col(LedgerRow.meter_id))
    )
    rows = (await session.exec(statement)).all()
    return [meter_id for meter_id, _ in rows], max((updated for _, updated in rows), default=slot)


async def sums(session: Session, *, after: str, limit: int) -> list[LedgerSums]:
    """What events add up to, for every meter that any event named, by meter id behind `after`."""
    statement = (
        select(LedgerRow, col(LedgerStandingRow.correction_net_wh))
        .outerjoin(LedgerStandingRow, col(LedgerStandingRow.meter_id) == col(LedgerRow.meter_id))
        .where(col(LedgerRow.meter_id) > after)
        .order_by(col(LedgerRow.meter_id))
        .limit(limit)
    )
    return [
        LedgerSums(
            meter_id=ledger.meter_id,
            sequence=ledger.sequence,
            entry_number=ledger.entry_number,
            settled_net_wh=ledger.settled_net_wh,
            minted_wh=ledger.minted_wh,
            burned_wh=ledger.burned_wh,
            correction_net_wh=correction or 0,
        )
        for ledger, correction in (await session.exec(statement)).all()
    ]


async def ledgers(session: Session, *, after: str = "", limit: int | None = None) -> list[LedgerView]:
    """Meters with their ledgers by meter id, those behind `after`; all of them without a limit."""
    statement = (
        select(MeterRow, LedgerRow, LedgerStandingRow, LookupTableMeterRow)
        .outerjoin(LedgerRow, col(LedgerRow.meter_id) == col(MeterRow.meter_id))
        .outerjoin(LedgerStandingRow, col(LedgerStandingRow.meter_id) == col(MeterRow.meter_id))
        .outerjoin(LookupTableMeterRow, col(LookupTableMeterRow.meter_id) == col(MeterRow.meter_id))
        .where(col(MeterRow.meter_id) > after)
        .order_by(col(MeterRow.meter_id))
        .limit(limit)
    )
    return [_view(meter, ledger, standing, table) for meter, ledger, standing, table in (await session.exec(statement)).all()]


async def moved_in_all(session: Session) -> tuple[int, int]:
    """Minted and burned over all ledgers, known meters or not, in Wh."""
    row = LedgerRow
    statement = select(func.coalesce(func.sum(row.minted_wh), 0), func.coalesce(func.sum(row.burned_wh), 0))
    minted, burned = (await session.exec(statement)).one()
    return int(minted or 0), int(burned or 0)


async def minted_readings(session: Session) -> list[tuple[str, int, str]]:
    """Meter, sequence and transaction of every minted reading, in order."""
    row = MeterReadingRow
    statement = (
        select(row.meter_id, row.sequence, row.mint_tx_signature)
        .where(col(row.minted))
        .order_by(col(row.meter_id), col(row.sequence))
    )
    return [(meter_id, sequence, signature or "") for meter_id, sequence, signature in (await session.exec(statement)).all()]


async def payloads(session: Session, name: str) -> list[str]:
    """The JSON of all events of a name, in the order of their slots."""
    statement = (
        select(ChainEventRow.payload)
        .where(col(ChainEventRow.name) == name)
        .order_by(col(ChainEventRow.slot), col(ChainEventRow.id))
    )
    return list((await session.exec(statement)).all())


async def _add_to_ledgers(session: Session, landed: Landed) -> None:
    if not landed.changes:
        return
    connection = await session.connection()
    await connection.execute(
        _adding_to_ledgers(connection.dialect.name),
        [
            {
                "meter_id": change.meter_id,
                "sequence": change.sequence or 0,
                "entry_number": change.entry_number or 0,
                "settled_net_wh": change.moved_wh,
                "minted_wh": max(change.moved_wh, 0),
                "burned_wh": max(-change.moved_wh, 0),
                "updated_slot": landed.slot,
                "credited_generation_wh": 0,
                "credited_consumption_wh": 0,
            }
            for change in landed.changes
        ],
    )


@cache
def _adding_to_ledgers(dialect: str) -> sqlite.Insert | postgresql.Insert:
    insert, row = insert_into(LedgerRow, dialect), LedgerRow
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["meter_id"],
        set_={
            "sequence": greater(col(row.sequence), new.sequence),
            "entry_number": greater(col(row.entry_number), new.entry_number),
            "settled_net_wh": col(row.settled_net_wh) + new.settled_net_wh,
            "minted_wh": col(row.minted_wh) + new.minted_wh,
            "burned_wh": col(row.burned_wh) + new.burned_wh,
            "updated_slot": greater(col(row.updated_slot), new.updated_slot),
        },
    )


async def _add_to_standings(session: Session, landed: Landed) -> None:
    if not landed.changes:
        return
    rows: list[dict[str, object]] = []
    for change in landed.changes:
        sequence, entry = await _settled_through(session, change, landed.slot)
        is_through = bool(sequence or entry)
        rows.append(
            {
                "meter_id": change.meter_id,
                "correction_net_wh": change.correction_wh,
                "through_sequence": sequence,
                "through_entry": entry,
                "through_signature": landed.signature if is_through else "",
                "through_at": (landed.at or 0) if is_through else 0,
            }
        )
    connection = await session.connection()
    await connection.execute(_adding_to_standings(connection.dialect.name), rows)


@cache
def _adding_to_standings(dialect: str) -> sqlite.Insert | postgresql.Insert:
    insert, row = insert_into(LedgerStandingRow, dialect), LedgerStandingRow
    new = insert.excluded
    further = or_(col(row.through_sequence) < new.through_sequence, col(row.through_entry) < new.through_entry)
    return insert.on_conflict_do_update(
        index_elements=["meter_id"],
        set_={
            "correction_net_wh": col(row.correction_net_wh) + new.correction_net_wh,
            "through_sequence": greater(col(row.through_sequence), new.through_sequence),
            "through_entry": greater(col(row.through_entry), new.through_entry),
            "through_signature": case((further, new.through_signature), else_=col(row.through_signature)),
            "through_at": case((further, new.through_at), else_=col(row.through_at)),
        },
    )


async def _settled_through(session: Session, change: LedgerChange, slot: int) -> tuple[int, int]:
    """Sequence and entry up to which this transaction left the ledger square; zeroes when it did not.

    A transaction that only settles covers what was credited before it. If a later one is written down already, what the
    ledger says now may be more than that: then its place counts, and without one nothing is claimed.
    """
    if not change.is_square:
        return 0, 0
    if change.late is not None:
        return change.late.sequence, change.late.entry_number
    if change.sequence is not None:
        return change.sequence, change.entry_number or 0
    ledger = (await session.exec(select(LedgerRow).where(col(LedgerRow.meter_id) == change.meter_id))).one()
    await session.refresh(ledger)
    return (ledger.sequence, ledger.entry_number) if ledger.updated_slot <= slot else (0, 0)


def _view(
    meter: MeterRow, ledger: LedgerRow | None, standing: LedgerStandingRow | None, table: LookupTableMeterRow | None
) -> LedgerView:
    ledger = ledger or LedgerRow(meter_id=meter.meter_id)
    return LedgerView(
        meter_id=meter.meter_id,
        wallet_address=meter.wallet_address,
        token_account=meter.token_account,
        zone=meter.zone,
        sequence=ledger.sequence,
        entry_number=ledger.entry_number,
        credited_generation_wh=ledger.credited_generation_wh,
        credited_consumption_wh=ledger.credited_consumption_wh,
        correction_net_wh=0 if standing is None else standing.correction_net_wh,
        settled_net_wh=ledger.settled_net_wh,
        minted_wh=ledger.minted_wh,
        burned_wh=ledger.burned_wh,
        accepted_generation_wh=meter.credited_generation_wh,
        accepted_consumption_wh=meter.credited_consumption_wh,
        accepted_count=meter.accepted_count,
        last_sequence=meter.last_sequence,
        base_sequence=meter.base_sequence,
        highest_sequence=meter.highest_sequence,
        last_generation_wh=meter.last_generation_wh,
        last_consumption_wh=meter.last_consumption_wh,
        statement_kind=meter.statement_kind,
        lookup_table=None if table is None else table.address,
    )
