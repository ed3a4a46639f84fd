"""Who did what."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from core.store.tables.types import ROW_ID


class AuditLogRow(SQLModel, table=True):
    """One privileged act. Time in Unix seconds."""

    __tablename__ = "audit_log"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    at: int = Field(sa_type=BigInteger)
    actor: str = Field(max_length=64)
    action: str = Field(max_length=40)
    subject: str = Field(max_length=64)
    details: str = Field(default="{}")
