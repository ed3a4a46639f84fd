"""The outbox: every settlement transaction, written down before it is sent. Times in Unix milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import Table, func, update
from sqlmodel import col, select

from core.store.tables.settlement import OutboxItemRow, OutboxRow, SettlementWorkRow
from core.store.unit_of_work import Session
from core.store.work import LEASED, OPEN_STATUSES

Kind = Literal["proven", "attested", "settle"]
Ending = Literal["landed", "expired", "refused"]
SALTS: Final = 1 << 10
"""Compute-unit prices, in micro-lamports, that tell equal transactions under one blockhash apart. The dearest costs at
most 1,433 lamports (1.4 M units); a blockhash serves far fewer transactions of this bridge than there are salts."""
ERROR_LENGTH: Final = 500
_OUTBOX: Table = OutboxRow.__table__  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A meter in a transaction, with what the transaction states about it. Energy in Wh."""

    meter_id: str
    sequence: int
    ordinal: int
    generation_wh: int
    consumption_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A transaction to be signed."""

    id: int
    kind: Kind
    salt: int
    payer: str
    items: tuple[Item, ...]
    created_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransaction:
    """A transaction that may still land."""

    id: int
    kind: Kind
    status: str
    payer: str
    signature: str | None
    wire: bytes | None
    last_valid_block_height: int | None
    sends: int
    created_at_ms: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTotals:
    """What became of the transactions of one kind."""

    kind: str
    status: str
    transactions: int
    items: int
    compute_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The outbox in figures."""

    rows: tuple[KindTotals, ...] = field(default=())

    def transactions(self, *statuses: str) -> int:
        """How many transactions are in these states."""
        return sum(row.transactions for row in self.rows if row.status in statuses)

    def items(self, *statuses: str) -> int:
        """How many meters these transactions carried."""
        return sum(row.items for row in self.rows if row.status in statuses)

    def compute_units(self, *statuses: str) -> int:
        """Compute units that these transactions used."""
        return sum(row.compute_units for row in self.rows if row.status in statuses)


async def add_draft(
    session: Session, *, kind: Kind, payer: str, owner: str, items: Sequence[Item], now_ms: int, lease_ms: int
) -> Draft:
    """Write a transaction down before anything of it exists. Its salt is unique among the last thousand rows."""
    until_ms = now_ms + lease_ms
    row = OutboxRow(kind=kind, status="draft", salt=0, payer=payer, owner=owner, lease_until_ms=until_ms, created_at_ms=now_ms)
    session.add(row)
    await session.flush()
    number = _id(row)
    row.salt = number % SALTS
    session.add_all(
        OutboxItemRow(
            outbox_id=number,
            meter_id=item.meter_id,
            sequence=item.sequence,
            ordinal=item.ordinal,
            generation_wh=item.generation_wh,
            consumption_wh=item.consumption_wh,
        )
        for item in items
    )
    await session.flush()
    return Draft(id=number, kind=kind, salt=row.salt, payer=payer, items=tuple(items), created_at_ms=now_ms)


async def mark_signed(
    session: Session, number: int, *, owner: str, signature: str, wire: bytes, last_valid_block_height: int
) -> bool:
    """Keep signature and bytes, before they are sent. False when the row is no draft of ours any more: then don't send."""
    return await _move(
        session,
        number,
        owner,
        ("draft",),
        status="signed",
        signature=signature,
        wire=wire,
        last_valid_block_height=last_valid_block_height,
    )


async def mark_sent(session: Session, number: int, *, owner: str, now_ms: int) -> bool:
    """The bytes are on their way, or may be."""
    return await _move(session, number, owner, ("signed", "sent"), status="sent", sends=_OUTBOX.c.sends + 1, sent_at_ms=now_ms)


async def end(
    session: Session,
    number: int,
    ending: Ending,
    *,
    owner: str,
    now_ms: int,
    slot: int | None = None,
    compute_units: int | None = None,
    error: str | None = None,
) -> bool:
    """Close an open row. False when somebody else closed it or took it over before: then its consequences are theirs."""
    return await _move(
        session,
        number,
        owner,
        OPEN_STATUSES,
        status=ending,
        slot=slot,
        compute_units=compute_units,
        error=None if error is None else error[:ERROR_LENGTH],
        ended_at_ms=now_ms,
    )


async def open_transactions(session: Session, owner: str) -> list[OpenTransaction]:
    """What this bridge follows, oldest first."""
    statement = (
        select(OutboxRow)
        .where(col(OutboxRow.owner) == owner, col(OutboxRow.status).in_(OPEN_STATUSES))
        .order_by(col(OutboxRow.id))
    )
    rows = (await session.exec(statement)).all()
    items = await _items(session, [_id(row) for row in rows])
    return [_open(row, items.get(_id(row), [])) for row in rows]


async def extend_lease(session: Session, *, owner: str, until_ms: int) -> None:
    """Keep what this bridge still follows."""
    await session.exec(
        update(OutboxRow)
        .where(col(OutboxRow.owner) == owner, col(OutboxRow.status).in_(OPEN_STATUSES))
        .values(lease_until_ms=until_ms)
    )


async def adopt(session: Session, *, owner: str, now_ms: int, until_ms: int) -> int:
    """Take over open rows whose bridge let their leases lapse, with the leases of their meters; returns how many."""
    orphans = (
        select(OutboxRow.id)
        .where(
            col(OutboxRow.owner) != owner,
            col(OutboxRow.status).in_(OPEN_STATUSES),
            col(OutboxRow.lease_until_ms) < now_ms,
        )
        .with_for_update(skip_locked=True)
    )
    numbers = (await session.exec(orphans)).all()
    if not numbers:
        return 0
    await session.exec(update(OutboxRow).where(col(OutboxRow.id).in_(numbers)).values(owner=owner, lease_until_ms=until_ms))
    theirs = select(OutboxItemRow.meter_id).where(col(OutboxItemRow.outbox_id).in_(numbers))
    await session.exec(
        update(SettlementWorkRow)
        .where(col(SettlementWorkRow.meter_id).in_(theirs), col(SettlementWorkRow.state) == LEASED)
        .values(lease_owner=owner, lease_until_ms=until_ms)
    )
    return len(numbers)


async def count_open(session: Session) -> int:
    """How many transactions may still land."""
    return (await session.exec(select(func.count()).where(col(OutboxRow.status).in_(OPEN_STATUSES)))).one()


async def totals(session: Session) -> Totals:
    """The outbox in figures, by kind and state."""
    kind, status = col(OutboxRow.kind), col(OutboxRow.status)
    units = func.coalesce(func.sum(OutboxRow.compute_units), 0)
    transactions = select(kind, status, func.count(), units).group_by(kind, status).order_by(kind, status)
    carried = (
        select(kind, status, func.count())
        .join(OutboxItemRow, col(OutboxItemRow.outbox_id) == col(OutboxRow.id))
        .group_by(kind, status)
    )
    items = {(of, state): count for of, state, count in (await session.exec(carried)).all()}
    return Totals(
        rows=tuple(
            KindTotals(kind=of, status=state, transactions=count, items=items.get((of, state), 0), compute_units=int(used or 0))
            for of, state, count, used in (await session.exec(transactions)).all()
        )
    )


async def _items(session: Session, numbers: Sequence[int]) -> dict[int, list[Item]]:
    statement = select(OutboxItemRow).where(col(OutboxItemRow.outbox_id).in_(numbers)).order_by(col(OutboxItemRow.meter_id))
    grouped: dict[int, list[Item]] = {}
    for row in (await session.exec(statement)).all():
        item = Item(
            meter_id=row.meter_id,
            sequence=row.sequence,
            ordinal=row.ordinal,
            generation_wh=row.generation_wh,
            consumption_wh=row.consumption_wh,
        )
        grouped.setdefault(row.outbox_id, []).append(item)
    return grouped


async def _move(session: Session, number: int, owner: str, before: Sequence[str], **values: object) -> bool:
    """Change a row only if it is still ours and in one of these states: two bridges can't both do it."""
    connection = await session.connection()
    result = await connection.execute(
        update(_OUTBOX)
        .where(col(OutboxRow.id) == number, col(OutboxRow.owner) == owner, col(OutboxRow.status).in_(before))
        .values(**values)
    )
    return result.rowcount == 1


def _open(row: OutboxRow, items: Sequence[Item]) -> OpenTransaction:
    return OpenTransaction(
        id=_id(row),
        kind=kind_of(row.kind),
        status=row.status,
        payer=row.payer,
        signature=row.signature,
        wire=row.wire,
        last_valid_block_height=row.last_valid_block_height,
        sends=row.sends,
        created_at_ms=row.created_at_ms,
        items=tuple(items),
    )


def kind_of(text: str) -> Kind:
    """Read a stored kind."""
    match text:
        case "proven" | "attested" | "settle":
            return text
        case _:
            raise ValueError(f"the outbox holds a transaction of unknown kind {text}")


def _id(row: OutboxRow) -> int:
    assert row.id is not None  # noqa: S101  # rows here are flushed or loaded
    return row.id
