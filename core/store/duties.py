"""Duties: work that one bridge at a time does for all, by a lease that runs out. Times in Unix milliseconds."""

from typing import Final

from sqlalchemy import CursorResult, delete, or_
from sqlmodel import col, select

from core.store.tables.duties import DutyRow
from core.store.unit_of_work import Session
from core.store.upserts import insert_into

INDEXER: Final = "indexer"
AUDIT: Final = "audit"
LEFTOVERS: Final = "leftovers"
LOOKUP_TABLES: Final = "lookup-tables"
MONTHS: Final = "months"


async def take(session: Session, name: str, *, owner: str, now_ms: int, lease_ms: int) -> bool:
    """Take a duty that is nobody's or whose owner fell silent, or keep one's own for longer; whether it is ours now."""
    insert = insert_into(DutyRow, session.get_bind().dialect.name)
    statement = insert.values(name=name, owner=owner, until_ms=now_ms + lease_ms).on_conflict_do_update(
        index_elements=["name"],
        set_={"owner": owner, "until_ms": now_ms + lease_ms},
        where=or_(col(DutyRow.owner) == owner, col(DutyRow.until_ms) < now_ms),
    )
    result = await session.exec(statement)
    assert isinstance(result, CursorResult)  # noqa: S101  # an INSERT gives no other result
    return result.rowcount == 1


async def give_back(session: Session, name: str, *, owner: str) -> None:
    """Let another take a duty at once, if it is ours."""
    await session.exec(delete(DutyRow).where(col(DutyRow.name) == name, col(DutyRow.owner) == owner))


async def holder(session: Session, name: str, *, now_ms: int) -> str | None:
    """Whose the duty is now; None when its lease ran out, or nobody ever had it."""
    statement = select(DutyRow.owner).where(col(DutyRow.name) == name, col(DutyRow.until_ms) >= now_ms)
    return (await session.exec(statement)).one_or_none()
