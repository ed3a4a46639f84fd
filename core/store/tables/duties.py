"""Work that one bridge at a time does for all."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class DutyRow(SQLModel, table=True):
    """Who does it, and until when without a word from him. Time in Unix milliseconds."""

    __tablename__ = "bridge_duties"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    name: str = Field(primary_key=True, max_length=24)
    owner: str = Field(max_length=64)
    until_ms: int = Field(sa_type=BigInteger)
