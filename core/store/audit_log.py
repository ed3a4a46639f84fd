"""Who did what, for ever: rows are added and read, never changed."""

import json
from collections.abc import Mapping, Sequence

from sqlmodel import col, select

from core.store.tables.audit import AuditLogRow
from core.store.unit_of_work import Session


async def record(
    session: Session, *, at: int, actor: str, action: str, subject: str, details: Mapping[str, str | int | bool | None]
) -> None:
    """Write down one privileged act, in the transaction that does it; `at` in Unix seconds."""
    text = json.dumps(dict(details), sort_keys=True, separators=(",", ":"))
    session.add(AuditLogRow(at=at, actor=actor[:64], action=action[:40], subject=subject[:64], details=text))
    await session.flush()


async def of_subject(session: Session, subject: str, *, limit: int = 50) -> Sequence[AuditLogRow]:
    """What was done to one subject, newest first."""
    statement = select(AuditLogRow).where(AuditLogRow.subject == subject).order_by(col(AuditLogRow.id).desc()).limit(limit)
    return (await session.exec(statement)).all()


async def page(session: Session, *, before_id: int | None = None, limit: int = 50) -> Sequence[AuditLogRow]:
    """All acts, newest first, those before `before_id`."""
    statement = select(AuditLogRow).order_by(col(AuditLogRow.id).desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(col(AuditLogRow.id) < before_id)
    return (await session.exec(statement)).all()
