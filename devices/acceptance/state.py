"""A meter as the rules see it. Energy in Wh, power in W, times in Unix seconds."""

from dataclasses import dataclass

from core.domain.budget import EnergyBudget
from core.domain.readings import AssetKind, MeterStatus, Statement, StatementKind
from core.domain.verdicts import Reason, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point of a meter's life: its base, or a stored statement."""

    sequence: int
    measured_at: int
    generation_wh: int
    """Raw register (register meters); the interval's energy otherwise."""
    consumption_wh: int

    @classmethod
    def of(cls, statement: Statement) -> "Mark":
        """The mark that a statement makes."""
        return cls(
            sequence=statement.sequence,
            measured_at=statement.measured_at,
            generation_wh=statement.generation_wh,
            consumption_wh=statement.consumption_wh,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """What is known of one meter before a statement is judged."""

    status: MeterStatus
    owner_verified: bool
    statement_kind: StatementKind
    asset_kind: AssetKind
    rated_power_out_w: int
    rated_power_in_w: int
    base: Mark
    """Nothing at or before it counts."""
    last: Mark
    """The accepted statement of the highest number, or the base."""
    highest_sequence: int
    """The highest number received and stored, whatever its verdict."""
    credited_generation_wh: int
    """Accepted energy since the base."""
    credited_consumption_wh: int
    accepted_count: int
    budget: EnergyBudget
    held_from: int | None = None
    """The first quarantined number that holds the ones after it (register meters alone)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What was stored under the same number before."""

    statement: Statement
    verdict: Verdict
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What is stored around a statement's number."""

    same: Earlier | None = None
    """Of the same number."""
    before: Mark | None = None
    """The accepted statement of the highest number below; None means the base."""
    after: Mark | None = None
    """The accepted statement of the lowest number above."""
    doubted: tuple[Mark, ...] = ()
    """Quarantined ones above `before`, ascending; needed only while the meter holds."""
