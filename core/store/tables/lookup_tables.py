"""Address lookup tables that the bridge made on chain, so that a restart finds them again."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from core.store.tables.types import METER_ID


class LookupTableRow(SQLModel, table=True):
    """One table; written before its creation is sent, so that none is ever lost."""

    __tablename__ = "lookup_tables"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    address: str = Field(primary_key=True, max_length=44)
    authority: str = Field(max_length=44, index=True)
    recent_slot: int = Field(sa_type=BigInteger)
    """The slot that the address is derived from."""
    created_at_ms: int = Field(sa_type=BigInteger)


class LookupTableMeterRow(SQLModel, table=True):
    """Which table holds a meter's accounts. What the table really contains is read from the chain."""

    __tablename__ = "lookup_table_meters"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    meter_id: str = Field(primary_key=True, sa_type=METER_ID, foreign_key="meters.meter_id")
    address: str = Field(foreign_key="lookup_tables.address", max_length=44, index=True)
