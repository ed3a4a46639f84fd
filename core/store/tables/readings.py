"""What meters said: readings, refusals and evidence."""

from decimal import Decimal

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.store.tables.types import METER_ID, ROW_ID, ExactKwh


class MeterReadingRow(SQLModel, table=True):
    """One stored statement with its verdict; one row per (meter, sequence). Energy in Wh, times in Unix seconds.

    On PostgreSQL it lies in partitions by month of receipt (`created_at`), see `core.store.partitions`.
    """

    __tablename__ = "meter_readings"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived
    __table_args__ = (
        Index("ix_readings_meter_sequence", "meter_id", "sequence"),
        Index("ix_readings_unminted", "minted", "verification_status", "meter_id", "sequence"),
        Index("ix_readings_user_time", "user_id", "reading_timestamp"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    user_id: int = Field(foreign_key="users.id", sa_type=BigInteger)
    wallet_address: str = Field(max_length=44)
    meter_id: str = Field(foreign_key="meters.meter_id", sa_type=METER_ID)
    sequence: int = Field(sa_type=BigInteger)
    statement_kind: int
    kwh_amount: Decimal = Field(sa_type=ExactKwh)
    """Net energy of the reading, generation less consumption; zero for history and for what is not accepted yet."""
    energy_generation_wh: int = Field(sa_type=BigInteger)
    energy_consumption_wh: int = Field(sa_type=BigInteger)
    stated_generation_wh: int = Field(sa_type=BigInteger)
    """The statement's own field: a lifetime register, or the interval's energy."""
    stated_consumption_wh: int = Field(sa_type=BigInteger)
    reading_timestamp: int = Field(sa_type=BigInteger)
    submitted_at: int = Field(sa_type=BigInteger)
    statement: bytes = Field(sa_type=LargeBinary)
    """The 64 signed bytes."""
    meter_signature: str = Field(max_length=88)
    public_key: str = Field(max_length=44)
    verification_status: str = Field(max_length=12)
    """A Verdict: accepted, quarantined or rejected."""
    reason: str | None = Field(default=None, max_length=24)
    ordinal: int | None = Field(default=None, sa_type=BigInteger)
    """Position among the meter's accepted readings; unset until accepted."""
    source: str = Field(max_length=8)
    """`mqtt` or `http`."""
    extras: str | None = Field(default=None)
    """Unsigned JSON shown to people; never touches value."""
    minted: bool = Field(default=False)
    mint_tx_signature: str | None = Field(default=None, max_length=88)
    mint_timestamp: int | None = Field(default=None, sa_type=BigInteger)
    created_at: int = Field(sa_type=BigInteger)
    updated_at: int = Field(sa_type=BigInteger)


class ReadingNumberRow(SQLModel, table=True):
    """A number that was stored once: its row is unique, and stays so after a retention let the row go.

    The trigger `one_row_per_sequence` of `meter_readings` writes it with every inserted row.
    """

    __tablename__ = "reading_numbers"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    meter_id: str = Field(primary_key=True, sa_type=METER_ID)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)


class RefusalRow(SQLModel, table=True):
    """A frame that could not become a reading, counted per content so that a flood of repeats stays one row."""

    __tablename__ = "refusals"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived
    __table_args__ = (UniqueConstraint("payload_sha256", "reason", "claimed_meter_id", name="one_row_per_refused_content"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    claimed_meter_id: str = Field(default="", max_length=64)
    """As claimed by topic or frame, cut to size; not proven."""
    sequence: str = Field(default="", max_length=20)
    reason: str = Field(max_length=24)
    detail: str = Field(default="", max_length=200)
    source: str = Field(max_length=8)
    payload: bytes = Field(sa_type=LargeBinary)
    """The first 4,096 bytes."""
    payload_sha256: str = Field(max_length=64)
    seen: int = Field(default=1, sa_type=BigInteger)
    first_at: int = Field(sa_type=BigInteger)
    last_at: int = Field(sa_type=BigInteger, index=True)


class ConflictRow(SQLModel, table=True):
    """Evidence of one number with two contents, both signed by the meter's key."""

    __tablename__ = "sequence_conflicts"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_ID)
    meter_id: str = Field(foreign_key="meters.meter_id", sa_type=METER_ID, index=True)
    sequence: int = Field(sa_type=BigInteger)
    first_statement: bytes = Field(sa_type=LargeBinary)
    first_signature: str = Field(max_length=88)
    second_statement: bytes = Field(sa_type=LargeBinary)
    second_signature: str = Field(max_length=88)
    detected_at: int = Field(sa_type=BigInteger)
