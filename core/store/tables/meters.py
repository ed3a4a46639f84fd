"""Meters, their keys and their broker credentials."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from core.store.tables.types import METER_ID


class MeterRow(SQLModel, table=True):
    """One metering point with what the acceptance rules need to know. Energy in Wh, power in W, times in Unix seconds."""

    __tablename__ = "meters"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    meter_id: str = Field(primary_key=True, sa_type=METER_ID)
    legacy_id: str | None = Field(default=None, max_length=128, unique=True)
    fleet: str = Field(max_length=16)
    user_id: int = Field(foreign_key="users.id", sa_type=BigInteger, index=True)
    wallet_address: str = Field(max_length=44)
    token_account: str = Field(max_length=44)
    asset_kind: int
    statement_kind: int
    proof_kind: int
    zone: int
    rated_power_out_w: int = Field(sa_type=BigInteger)
    rated_power_in_w: int = Field(sa_type=BigInteger)
    status: int = Field(index=True)
    status_reason: str | None = Field(default=None, max_length=200)
    base_sequence: int = Field(sa_type=BigInteger)
    base_measured_at: int = Field(sa_type=BigInteger)
    base_generation_wh: int = Field(sa_type=BigInteger)
    base_consumption_wh: int = Field(sa_type=BigInteger)
    highest_sequence: int = Field(sa_type=BigInteger)
    """Highest sequence received and stored, whatever its verdict; a jump too far ahead does not count."""
    contiguous_sequence: int = Field(default=0, sa_type=BigInteger)
    """Every number from the base's to this one was received: the search for gaps starts here."""
    last_sequence: int = Field(sa_type=BigInteger)
    """Of the newest accepted statement; the base before the first."""
    last_measured_at: int = Field(sa_type=BigInteger)
    last_generation_wh: int = Field(sa_type=BigInteger)
    """Raw register of the newest accepted register statement."""
    last_consumption_wh: int = Field(sa_type=BigInteger)
    credited_generation_wh: int = Field(default=0, sa_type=BigInteger)
    """Accepted energy since the base."""
    credited_consumption_wh: int = Field(default=0, sa_type=BigInteger)
    accepted_count: int = Field(default=0, sa_type=BigInteger)
    """How many readings were accepted: the ordinal of the newest, and an interval meter's entry number on chain."""
    budget_generation_ws: int = Field(default=0, sa_type=BigInteger)
    budget_consumption_ws: int = Field(default=0, sa_type=BigInteger)
    budget_at: int = Field(default=0, sa_type=BigInteger)
    held_from_sequence: int | None = Field(default=None, sa_type=BigInteger)
    """First quarantined statement that holds the ones after it; unset when nothing is in doubt."""
    created_at: int = Field(sa_type=BigInteger)
    updated_at: int = Field(sa_type=BigInteger)


class DeviceKeyRow(SQLModel, table=True):
    """A key that signs or signed for one meter. A key serves one meter for ever."""

    __tablename__ = "device_keys"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    public_key: str = Field(primary_key=True, max_length=44)
    meter_id: str = Field(foreign_key="meters.meter_id", sa_type=METER_ID, index=True)
    valid_from: int = Field(sa_type=BigInteger)
    valid_until: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)


class BrokerCredentialRow(SQLModel, table=True):
    """A broker user: one per device, with its password hashed."""

    __tablename__ = "broker_credentials"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    username: str = Field(primary_key=True, max_length=64)
    meter_id: str = Field(foreign_key="meters.meter_id", sa_type=METER_ID, unique=True)
    fleet: str = Field(max_length=16)
    password_hash: str = Field(max_length=200)
    created_at: int = Field(sa_type=BigInteger)
