"""Frames that could not become a reading: seen by operators, bounded in number. Times in Unix seconds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from core.store.tables.readings import RefusalRow
from core.store.unit_of_work import Session
from core.store.upserts import insert_into

OVER_CAP: Final = "over the hourly cap"
"""Stands in place of a content's hash in the row that only counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused content, cut to the sizes of `RefusalRow`."""

    claimed_meter_id: str
    sequence: str
    reason: str
    detail: str
    source: str
    payload: bytes
    payload_sha256: str
    seen: int = 1


async def record(session: Session, refusals: Sequence[Refusal], *, now: int) -> None:
    """Add refusals; a content that was refused before for the same reason only counts up."""
    if not refusals:
        return
    insert = insert_into(RefusalRow, session.get_bind().dialect.name)
    statement = insert.on_conflict_do_update(
        index_elements=["payload_sha256", "reason", "claimed_meter_id"],
        set_={"seen": RefusalRow.__table__.c.seen + insert.excluded.seen, "last_at": insert.excluded.last_at},  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
    )
    connection = await session.connection()
    await connection.execute(statement, [asdict(one) | {"first_at": now, "last_at": now} for one in refusals])


def over_cap(reason: str, source: str, seen: int) -> Refusal:
    """The row that only counts what came beyond the hourly cap, one for each reason."""
    return Refusal(
        claimed_meter_id="",
        sequence="",
        reason=reason,
        detail="counted only: too many refusals in one hour",
        source=source,
        payload=b"",
        payload_sha256=OVER_CAP,
        seen=seen,
    )


async def count_since(session: Session, at: int) -> int:
    """How many rows were touched since a time."""
    statement = select(sa.func.count()).select_from(RefusalRow).where(col(RefusalRow.last_at) >= at)
    return (await session.exec(statement)).one()


async def prune(session: Session, *, keep: int) -> None:
    """Delete the longest unseen rows beyond `keep`."""
    oldest_kept = select(RefusalRow.last_at).order_by(col(RefusalRow.last_at).desc()).offset(keep).limit(1)
    limit_at = (await session.exec(oldest_kept)).first()
    if limit_at is not None:
        await session.exec(
            sa.delete(RefusalRow).where(col(RefusalRow.last_at) <= limit_at, col(RefusalRow.payload_sha256) != OVER_CAP)
        )


async def page(session: Session, *, before_id: int | None = None, limit: int = 50) -> Sequence[RefusalRow]:
    """Refusals, newest first, those before `before_id`."""
    statement = select(RefusalRow).order_by(col(RefusalRow.id).desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(col(RefusalRow.id) < before_id)
    return (await session.exec(statement)).all()
