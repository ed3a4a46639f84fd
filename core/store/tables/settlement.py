"""From accepted readings to transactions."""

from sqlalchemy import BigInteger, LargeBinary
from sqlmodel import Field, SQLModel

from core.store.tables.types import METER_ID, ROW_ID


class SettlementWorkRow(SQLModel, table=True):
    """What the bridge owes one meter; written in the same transaction as the reading. Times in Unix milliseconds."""

    __tablename__ = "settlement_work"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    meter_id: str = Field(primary_key=True, sa_type=METER_ID, foreign_key="meters.meter_id")
    target_sequence: int = Field(sa_type=BigInteger)
    """Newest accepted sequence to bring on chain."""
    target_ordinal: int = Field(sa_type=BigInteger)
    state: str = Field(max_length=8, index=True)
    """`idle`, `due`, `leased` or `review`."""
    due_at_ms: int = Field(sa_type=BigInteger)
    lease_owner: str | None = Field(default=None, max_length=64)
    lease_until_ms: int = Field(default=0, sa_type=BigInteger)
    settled_at_ms: int = Field(default=0, sa_type=BigInteger)
    attempts: int = Field(default=0)
    last_error: str | None = Field(default=None, max_length=500)
    updated_at_ms: int = Field(sa_type=BigInteger)


class OutboxRow(SQLModel, table=True):
    """One transaction: draft → signed → sent → landed | expired | refused. Times in Unix milliseconds."""

    __tablename__ = "outbox"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    kind: str = Field(max_length=12)
    """`proven`, `attested` or `settle`."""
    status: str = Field(max_length=8, index=True)
    salt: int = Field(sa_type=BigInteger)
    payer: str = Field(max_length=44)
    owner: str = Field(max_length=64)
    """The bridge that follows it."""
    lease_until_ms: int = Field(default=0, sa_type=BigInteger)
    """Until when it is the owner's without a word from him; another bridge may take it over afterwards."""
    signature: str | None = Field(default=None, max_length=88, unique=True)
    wire: bytes | None = Field(default=None, sa_type=LargeBinary)
    last_valid_block_height: int | None = Field(default=None, sa_type=BigInteger)
    sends: int = Field(default=0)
    slot: int | None = Field(default=None, sa_type=BigInteger)
    compute_units: int | None = Field(default=None, sa_type=BigInteger)
    error: str | None = Field(default=None, max_length=500)
    created_at_ms: int = Field(sa_type=BigInteger)
    sent_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    ended_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class OutboxItemRow(SQLModel, table=True):
    """A meter inside a transaction."""

    __tablename__ = "outbox_items"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    outbox_id: int = Field(primary_key=True, foreign_key="outbox.id", sa_type=BigInteger)
    meter_id: str = Field(primary_key=True, sa_type=METER_ID, index=True)
    sequence: int = Field(sa_type=BigInteger)
    ordinal: int = Field(sa_type=BigInteger)
    generation_wh: int = Field(sa_type=BigInteger)
    consumption_wh: int = Field(sa_type=BigInteger)
