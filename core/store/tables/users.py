"""Owners of meters."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from core.store.tables.types import ROW_ID


class UserRow(SQLModel, table=True):
    """One wallet that owns meters. Times are Unix seconds."""

    __tablename__ = "users"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    wallet_address: str = Field(max_length=44, unique=True)
    token_account: str = Field(max_length=44)
    zone: int
    verified: bool
    created_at: int = Field(sa_type=BigInteger)
    updated_at: int = Field(sa_type=BigInteger)
