"""What a meter states, and the closed kinds of meters."""

from dataclasses import dataclass
from enum import IntEnum

from core.domain.identity import MeterId


class StatementKind(IntEnum):
    """What the two energy fields mean; fixed at binding."""

    REGISTER = 1
    """Lifetime registers, which only grow."""
    INTERVAL = 2
    """Energy of one interval."""


class ProofKind(IntEnum):
    """Who proves a meter's readings on chain; fixed at binding."""

    DEVICE = 1
    """The device's own signature is checked on chain."""
    ATTESTED = 2
    """k of n attesters sign totals."""


class AssetKind(IntEnum):
    """What stands behind the meter."""

    SOLAR = 1
    WIND = 2
    BATTERY = 3
    RESIDENTIAL = 4
    COMMERCIAL = 5


class MeterStatus(IntEnum):
    """Where a meter is in its life; only an active one is credited."""

    PENDING = 1
    ACTIVE = 2
    SUSPENDED = 3
    RETIRED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The content that a meter signs: every field of the 64 bytes, all integers unsigned 64-bit."""

    kind: StatementKind
    network: bytes
    """8 bytes that name one deployment."""
    meter_id: MeterId
    sequence: int
    """Grows by exactly 1 per statement of the device, from 1."""
    measured_at: int
    """Unix seconds, end of the measuring period."""
    generation_wh: int
    """Lifetime export register, or energy produced in the interval."""
    consumption_wh: int
    """Lifetime import register, or energy consumed in the interval."""
