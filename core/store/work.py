"""The settlement work list: what the bridge owes each meter. Times in Unix milliseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Table, Update, bindparam, case, exists, func, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, select

from core.domain.readings import MeterStatus, ProofKind
from core.domain.verdicts import Verdict
from core.store import steps
from core.store.steps import Step
from core.store.tables.chain import LedgerRow
from core.store.tables.lookup_tables import LookupTableMeterRow
from core.store.tables.meters import MeterRow
from core.store.tables.readings import MeterReadingRow
from core.store.tables.settlement import OutboxItemRow, OutboxRow, SettlementWorkRow
from core.store.unit_of_work import Session
from core.store.upserts import greater, insert_into

IDLE: Final = "idle"
DUE: Final = "due"
LEASED: Final = "leased"
REVIEW: Final = "review"
REFUSED_MARK: Final = "refused: "
"""How the error of a transaction that the chain refused begins: its meters are tried again one by one."""
OPEN_STATUSES: Final = ("draft", "signed", "sent")
"""Outbox states that may still land."""

_WORK: Table = SettlementWorkRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it

FIRST_BACK_OFF_MS: Final = 1_000
LONGEST_BACK_OFF_MS: Final = 300_000  # 5 minutes: ten attempts end in review within half an hour
CLOCKS_DIFFER_MS: Final = 2_000
"""A row written further than this in the future was written by a clock that has been set back since: its waiting times mean
nothing any more, and standing still until they end could take as long as the clock was wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How far a meter's accepted readings go."""

    meter_id: str
    sequence: int
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One accepted statement as its device signed it."""

    statement: bytes
    signature: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMeter:
    """A meter whose newest accepted statement is to be brought on chain, or one on the way to it (`core.store.steps`).

    Energy in Wh, time in Unix seconds.
    """

    meter_id: str
    wallet_address: str
    token_account: str
    zone: int
    proof_kind: int
    statement_kind: int
    sequence: int
    ordinal: int
    measured_at: int
    credited_generation_wh: int
    """Accepted in all since the base."""
    credited_consumption_wh: int
    register_generation_wh: int
    """A register meter's own counter in that statement."""
    register_consumption_wh: int
    statement: bytes
    """The 64 signed bytes of that statement."""
    signature: str
    public_key: str
    attempts: int = 0
    alone: bool = False
    """The chain refused a transaction with this meter: try it in one of its own."""
    lookup_table: str | None = None
    evidence: tuple[Evidence, ...] = ()
    """The accepted statements that an attested entry stands for: those the chain does not contain yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A meter whose settlement failed too often: an operator looks and retries."""

    meter_id: str
    target_sequence: int
    attempts: int
    last_error: str | None
    updated_at_ms: int


def back_off_ms(attempts: int) -> int:
    """How long a meter waits after its n-th failed attempt: 1, 2, 4 … seconds, at most 5 minutes."""
    return min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS << min(max(attempts, 1) - 1, 20))


async def want(session: Session, targets: Sequence[Target], *, now_ms: int, min_interval_ms: int) -> None:
    """Ask for the settlement of meters: called in the transaction that accepted their readings.

    A meter in review stays there; one that was settled a moment ago waits for its minimum interval; one that failed
    keeps its back-off. A target never moves back.
    """
    if not targets:
        return
    rows = [
        {
            "meter_id": target.meter_id,
            "target_sequence": target.sequence,
            "target_ordinal": target.ordinal,
            "state": DUE,
            "due_at_ms": now_ms,
            "updated_at_ms": now_ms,
            "lease_until_ms": 0,
            "settled_at_ms": 0,
            "attempts": 0,
            "min_interval_ms": min_interval_ms,
        }
        for target in sorted(targets, key=lambda target: target.meter_id)
    ]
    connection = await session.connection()
    await connection.execute(_want_statement(connection.dialect.name), rows)


@cache
def _want_statement(engine_name: str) -> postgresql.Insert | sqlite.Insert:
    """The upsert of `want`, put together once: every batch of readings runs it, a row a meter."""
    insert = insert_into(SettlementWorkRow, engine_name)
    new, old = insert.excluded, SettlementWorkRow
    idle = col(old.state) == IDLE
    set_back = col(old.updated_at_ms) > new.updated_at_ms + CLOCKS_DIFFER_MS
    earliest = col(old.settled_at_ms) + bindparam("min_interval_ms", type_=BigInteger)
    return insert.on_conflict_do_update(
        index_elements=["meter_id"],
        set_={
            "target_sequence": greater(new.target_sequence, col(old.target_sequence)),
            "target_ordinal": greater(new.target_ordinal, col(old.target_ordinal)),
            "state": case((idle, DUE), else_=col(old.state)),
            "due_at_ms": case((set_back, new.due_at_ms), (idle, greater(new.due_at_ms, earliest)), else_=col(old.due_at_ms)),
            "updated_at_ms": new.updated_at_ms,
        },
    )


async def lease(session: Session, *, owner: str, now_ms: int, lease_ms: int, limit: int) -> list[DueMeter]:
    """Take due meters that no open transaction contains, oldest first; nobody else gets them until the lease ends.

    Only active meters are taken: the chain credits no other. One that the chain's energy budget can't take to its newest
    reading at once is described as it stood earlier; `record_success` makes it due again.
    """
    reached = aliased(MeterReadingRow)
    reached_at = func.coalesce(col(reached.reading_timestamp), col(MeterRow.base_measured_at))
    statement = (
        select(SettlementWorkRow, MeterRow, MeterReadingRow, LookupTableMeterRow)
        .add_columns(reached_at)
        .join(MeterRow, col(MeterRow.meter_id) == col(SettlementWorkRow.meter_id))
        .join(
            MeterReadingRow,
            and_(
                col(MeterReadingRow.meter_id) == col(MeterRow.meter_id),
                col(MeterReadingRow.sequence) == col(MeterRow.last_sequence),
                col(MeterReadingRow.verification_status) == Verdict.ACCEPTED.value,
            ),
        )
        .outerjoin(LookupTableMeterRow, col(LookupTableMeterRow.meter_id) == col(SettlementWorkRow.meter_id))
        .outerjoin(LedgerRow, col(LedgerRow.meter_id) == col(MeterRow.meter_id))
        .outerjoin(
            reached, and_(col(reached.meter_id) == col(MeterRow.meter_id), col(reached.sequence) == col(LedgerRow.sequence))
        )
        .where(_free(now_ms), col(MeterRow.status) == int(MeterStatus.ACTIVE), ~_in_open_transaction())
        .order_by(col(SettlementWorkRow.due_at_ms), col(SettlementWorkRow.meter_id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=SettlementWorkRow)
    )
    leased = await session.exec(statement)  # pyright: ignore[reportCallIssue, reportArgumentType]  # sqlmodel types four columns
    taken: Sequence[tuple[SettlementWorkRow, MeterRow, MeterReadingRow, LookupTableMeterRow | None, int]] = leased.all()
    busy = await in_open_transactions(session, [work.meter_id for work, *_ in taken])
    found = [one for one in taken if one[0].meter_id not in busy]
    await session.exec(
        update(SettlementWorkRow)
        .where(col(SettlementWorkRow.meter_id).in_([work.meter_id for work, *_ in found]))
        .values(state=LEASED, lease_owner=owner, lease_until_ms=now_ms + lease_ms, updated_at_ms=now_ms)
    )
    due = [_due_meter(work, meter, reading, table) for work, meter, reading, table, _ in found]
    lagging = {meter.meter_id: at for _, meter, _, _, at in found if steps.lags(newest_at=meter.last_measured_at, reached_at=at)}
    short = await steps.steps_of(session, lagging)
    due = [_at_step(meter, short[meter.meter_id]) if meter.meter_id in short else meter for meter in due]
    evidence = await _evidence(
        session, {meter.meter_id: meter.ordinal for meter in due if meter.proof_kind == ProofKind.ATTESTED}
    )
    return [replace(meter, evidence=tuple(evidence.get(meter.meter_id, ()))) for meter in due]


async def in_open_transactions(session: Session, meter_ids: Sequence[str]) -> set[str]:
    """Those of these meters that a transaction which may still land contains, as of now.

    Asked after their work rows were locked: what PostgreSQL saw before it got the locks may be out of date.
    """
    statement = (
        select(OutboxItemRow.meter_id)
        .join(OutboxRow, col(OutboxRow.id) == col(OutboxItemRow.outbox_id))
        .where(col(OutboxItemRow.meter_id).in_(meter_ids), col(OutboxRow.status).in_(OPEN_STATUSES))
    )
    return set((await session.exec(statement)).all())


async def locked_elsewhere(session: Session, meter_ids: Sequence[str]) -> set[str]:
    """Lock these meters' work until the transaction ends; returns those that another transaction has locked."""
    statement = select(SettlementWorkRow.meter_id).where(col(SettlementWorkRow.meter_id).in_(meter_ids))
    known = (await session.exec(statement)).all()
    locked = (await session.exec(statement.order_by(col(SettlementWorkRow.meter_id)).with_for_update(skip_locked=True))).all()
    return set(known) - set(locked)


async def _evidence(session: Session, ends: Mapping[str, int]) -> dict[str, list[Evidence]]:
    """Accepted statements beyond the entry that the ledger has reached, up to each meter's end, in the order of acceptance."""
    if not ends:
        return {}
    reached = func.coalesce(col(LedgerRow.entry_number), 0)
    statement = (
        select(MeterReadingRow)
        .outerjoin(LedgerRow, col(LedgerRow.meter_id) == col(MeterReadingRow.meter_id))
        .where(
            col(MeterReadingRow.meter_id).in_(list(ends)),
            col(MeterReadingRow.verification_status) == Verdict.ACCEPTED.value,
            col(MeterReadingRow.ordinal) > reached,
        )
        .order_by(col(MeterReadingRow.meter_id), col(MeterReadingRow.ordinal))
    )
    found: dict[str, list[Evidence]] = {}
    for row in (await session.exec(statement)).all():
        if row.ordinal is None or row.ordinal > ends[row.meter_id]:
            continue
        one = Evidence(statement=row.statement, signature=row.meter_signature, public_key=row.public_key)
        found.setdefault(row.meter_id, []).append(one)
    return found


async def extend_lease(session: Session, *, owner: str, until_ms: int) -> None:
    """Keep what this bridge is still working on."""
    await session.exec(
        update(SettlementWorkRow)
        .where(col(SettlementWorkRow.lease_owner) == owner, col(SettlementWorkRow.state) == LEASED)
        .values(lease_until_ms=until_ms)
    )


async def give_back(session: Session, meter_ids: Sequence[str], *, due_at_ms: int, now_ms: int) -> None:
    """Return leased meters untried: nothing is held against them."""
    await session.exec(
        update(SettlementWorkRow)
        .where(col(SettlementWorkRow.meter_id).in_(meter_ids), col(SettlementWorkRow.state) == LEASED)
        .values(state=DUE, due_at_ms=due_at_ms, lease_owner=None, lease_until_ms=0, updated_at_ms=now_ms)
    )


async def record_success(session: Session, reached: Sequence[Target], *, now_ms: int, min_interval_ms: int) -> None:
    """The chain holds these meters up to the given points; those with newer readings are due again."""
    if not reached:
        return
    connection = await session.connection()
    await connection.execute(
        _succeeding(),
        [
            {
                "of_meter_id": point.meter_id,
                "reached_sequence": point.sequence,
                "reached_ordinal": point.ordinal,
                "due_at_ms": now_ms + min_interval_ms,
                "now_ms": now_ms,
            }
            for point in reached
        ],
    )


@cache
def _succeeding() -> Update:
    """Made once: putting it together costs many times what it takes to run."""
    table = _WORK.c
    more = or_(
        table.target_sequence > bindparam("reached_sequence"),
        table.target_ordinal > bindparam("reached_ordinal"),
    )
    return (
        update(_WORK)
        .where(table.meter_id == bindparam("of_meter_id"))
        .values(
            state=case((more, DUE), else_=IDLE),
            due_at_ms=bindparam("due_at_ms"),
            settled_at_ms=bindparam("now_ms"),
            attempts=0,
            last_error=None,
            lease_owner=None,
            lease_until_ms=0,
            updated_at_ms=bindparam("now_ms"),
        )
    )


async def record_failure(session: Session, meter_ids: Sequence[str], error: str, *, now_ms: int, max_attempts: int) -> None:
    """One more failed attempt: wait longer, or go to manual review after `max_attempts`."""
    statement = select(SettlementWorkRow).where(
        col(SettlementWorkRow.meter_id).in_(meter_ids), col(SettlementWorkRow.state) != REVIEW
    )
    for work in (await session.exec(statement)).all():
        work.attempts += 1
        work.state = REVIEW if work.attempts >= max_attempts else DUE
        work.due_at_ms = now_ms + back_off_ms(work.attempts)
        work.last_error = error[:500]
        work.lease_owner, work.lease_until_ms, work.updated_at_ms = None, 0, now_ms
        session.add(work)
    await session.flush()


async def next_due_at_ms(session: Session) -> int | None:
    """When the earliest due meter that may be settled wants its turn; None when none does."""
    statement = (
        select(func.min(SettlementWorkRow.due_at_ms))
        .join(MeterRow, col(MeterRow.meter_id) == col(SettlementWorkRow.meter_id))
        .where(col(SettlementWorkRow.state) == DUE, col(MeterRow.status) == int(MeterStatus.ACTIVE))
    )
    return (await session.exec(statement)).one()


async def count_by_state(session: Session) -> dict[str, int]:
    """How many meters are in each state."""
    statement = select(SettlementWorkRow.state, func.count()).group_by(col(SettlementWorkRow.state))
    return dict((await session.exec(statement)).all())


async def reviews(session: Session, *, limit: int = 100, after: str = "") -> list[Review]:
    """Meters in manual review, by meter id."""
    statement = (
        select(SettlementWorkRow)
        .where(col(SettlementWorkRow.state) == REVIEW, col(SettlementWorkRow.meter_id) > after)
        .order_by(col(SettlementWorkRow.meter_id))
        .limit(limit)
    )
    return [
        Review(
            meter_id=work.meter_id,
            target_sequence=work.target_sequence,
            attempts=work.attempts,
            last_error=work.last_error,
            updated_at_ms=work.updated_at_ms,
        )
        for work in (await session.exec(statement)).all()
    ]


async def retry(session: Session, meter_ids: Sequence[str] | None, *, now_ms: int) -> list[str]:
    """Send meters in review back to work (all of them when `meter_ids` is None); returns those that were there."""
    where = [col(SettlementWorkRow.state) == REVIEW]
    if meter_ids is not None:
        where.append(col(SettlementWorkRow.meter_id).in_(meter_ids))
    statement = (
        update(SettlementWorkRow)
        .where(*where)
        .values(state=DUE, due_at_ms=now_ms, attempts=0, updated_at_ms=now_ms)
        .returning(col(SettlementWorkRow.meter_id))
    )
    return sorted((await session.exec(statement)).scalars().all())


def _free(now_ms: int) -> ColumnElement[bool]:
    """Due, by a clock that was not set back, or leased by somebody who let it lapse."""
    set_back = col(SettlementWorkRow.updated_at_ms) > now_ms + CLOCKS_DIFFER_MS
    return or_(
        and_(col(SettlementWorkRow.state) == DUE, or_(col(SettlementWorkRow.due_at_ms) <= now_ms, set_back)),
        and_(col(SettlementWorkRow.state) == LEASED, col(SettlementWorkRow.lease_until_ms) < now_ms),
    )


def _in_open_transaction() -> ColumnElement[bool]:
    """A transaction that may still land contains the meter."""
    return exists(
        select(OutboxItemRow.meter_id)
        .join(OutboxRow, col(OutboxRow.id) == col(OutboxItemRow.outbox_id))
        .where(
            col(OutboxItemRow.meter_id) == col(SettlementWorkRow.meter_id),
            col(OutboxRow.status).in_(OPEN_STATUSES),
        )
    )


def _due_meter(
    work: SettlementWorkRow,
    meter: MeterRow,
    reading: MeterReadingRow,
    table: LookupTableMeterRow | None,
) -> DueMeter:
    return DueMeter(
        meter_id=meter.meter_id,
        wallet_address=meter.wallet_address,
        token_account=meter.token_account,
        zone=meter.zone,
        proof_kind=meter.proof_kind,
        statement_kind=meter.statement_kind,
        sequence=meter.last_sequence,
        ordinal=meter.accepted_count,
        measured_at=meter.last_measured_at,
        credited_generation_wh=meter.credited_generation_wh,
        credited_consumption_wh=meter.credited_consumption_wh,
        register_generation_wh=meter.last_generation_wh,
        register_consumption_wh=meter.last_consumption_wh,
        statement=reading.statement,
        signature=reading.meter_signature,
        public_key=reading.public_key,
        attempts=work.attempts,
        alone=work.last_error is not None and work.last_error.startswith(REFUSED_MARK),
        lookup_table=None if table is None else table.address,
    )


def _at_step(due: DueMeter, step: Step) -> DueMeter:
    """The meter as it stood when it had accepted no more than the step."""
    reading = step.reading
    return replace(
        due,
        sequence=reading.sequence,
        ordinal=step.ordinal,
        measured_at=reading.reading_timestamp,
        credited_generation_wh=due.credited_generation_wh - step.later_generation_wh,
        credited_consumption_wh=due.credited_consumption_wh - step.later_consumption_wh,
        register_generation_wh=reading.stated_generation_wh,
        register_consumption_wh=reading.stated_consumption_wh,
        statement=reading.statement,
        signature=reading.meter_signature,
        public_key=reading.public_key,
    )
