"""What the chain said: derived rows that can be rebuilt from it."""

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.store.tables.types import METER_ID, ROW_ID


class ChainEventRow(SQLModel, table=True):
    """One event of our own programs, from an inner instruction of a successful transaction."""

    __tablename__ = "chain_events"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived
    __table_args__ = (UniqueConstraint("signature", "event_index", name="one_row_per_event"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    signature: str = Field(max_length=88)
    event_index: int
    slot: int = Field(sa_type=BigInteger, index=True)
    block_time: int | None = Field(default=None, sa_type=BigInteger)
    program: str = Field(max_length=16)
    name: str = Field(max_length=40, index=True)
    payload: str
    """The event's fields as JSON; integers above 2^53 as text."""


class ChainCursorRow(SQLModel, table=True):
    """How far the indexer has read a program's transactions."""

    __tablename__ = "chain_cursors"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    program: str = Field(primary_key=True, max_length=16)
    signature: str = Field(max_length=88)
    slot: int = Field(sa_type=BigInteger)


class LedgerRow(SQLModel, table=True):
    """A meter's ledger as the chain's events add up to it, in Wh."""

    __tablename__ = "ledgers"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    meter_id: str = Field(primary_key=True, sa_type=METER_ID)
    sequence: int = Field(default=0, sa_type=BigInteger)
    entry_number: int = Field(default=0, sa_type=BigInteger)
    credited_generation_wh: int = Field(default=0, sa_type=BigInteger)
    credited_consumption_wh: int = Field(default=0, sa_type=BigInteger)
    settled_net_wh: int = Field(default=0, sa_type=BigInteger)
    minted_wh: int = Field(default=0, sa_type=BigInteger)
    burned_wh: int = Field(default=0, sa_type=BigInteger)
    updated_slot: int = Field(default=0, sa_type=BigInteger)
