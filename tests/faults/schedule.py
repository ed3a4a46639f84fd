"""What goes wrong in which round: drawn from the seed, and complete after one cycle."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, Literal

from core.runtime.crash_points import CrashPoint
from tests.faults.world import Database


class Kind(StrEnum):
    """What happens besides the death at a named point."""

    QUIET = "quiet"
    KILL = "kill"
    """-9 at a random moment."""
    PAUSE = "pause"
    """Stopped, long enough for a blockhash to die."""
    RESTART = "restart"
    """Asked to stop, and started again."""
    CUT = "cut"
    DEAF = "deaf"
    HANGING = "hanging"
    LATE = "late"
    """Transactions reach the chain long after the bridge gave the connection up, up to the end of their blockhash."""
    UNHEARD = "unheard"
    """Transactions land, and the answers are lost."""
    SWALLOWED = "swallowed"
    """The node takes transactions that never land: they expire."""
    REFUSED = "refused"
    FULL_DISK = "full disk"
    CLOCK = "clock"


Victim = Literal["bridge", "api"]
DEATHS: Final[Sequence[tuple[Victim, CrashPoint]]] = (
    *(("bridge", point) for point in CrashPoint),
    ("api", CrashPoint.INTAKE_JUDGED),
    ("api", CrashPoint.INTAKE_COMMITTED),
)
"""Every point, and in the API those that it comes to."""
SELDOM: Final = frozenset(
    {
        CrashPoint.OUTBOX_RESENT,
        CrashPoint.OUTBOX_FOUND_DEAD,
        CrashPoint.OUTBOX_ENDING,
        CrashPoint.OUTBOX_ENDED,
        CrashPoint.OUTBOX_WITHDRAWN,
        CrashPoint.OUTBOX_KEPT,
        *(point for point in CrashPoint if point.name.startswith("INDEXER")),
    }
)
"""Visited a few times in a round, and some of them only when the harness brings it about."""
_TARGETS: Final[dict[Kind, Sequence[str]]] = {
    Kind.KILL: ("broker", "chain", "database", "bridge", "api"),
    Kind.PAUSE: ("bridge", "chain", "broker", "database", "api"),
    Kind.RESTART: ("chain", "broker", "database", "bridge", "api"),
    Kind.CUT: ("broker", "chain", "database"),
    Kind.DEAF: ("chain", "broker", "database"),
    Kind.HANGING: ("broker", "chain", "database"),
    Kind.FULL_DISK: ("bridge", "chain"),
    Kind.CLOCK: ("bridge", "chain", "api"),
}
_SHORTEST_S: Final = 0.8
_LONGEST_S: Final = 2.5
_PAUSE_S: Final = 5.5
_MOST_SKEW_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One round."""

    number: int
    seed: int
    victim: Victim
    point: CrashPoint
    nth: int
    kind: Kind
    target: str
    """A part, or the part at the far end of a line."""
    database: Database
    begins_at_tick: int
    lasts_s: float
    skew_s: int
    comes_back_after_s: float

    def __str__(self) -> str:
        what = "" if self.kind is Kind.QUIET else f" + {self.kind} {self.target}".rstrip()
        return f"{self.victim} dies at {self.point.value} ({self.nth}.){what}"


def plan_of(number: int, seed: int, *, kinds: Sequence[Kind] = tuple(Kind), real_database: bool = True) -> Plan:
    """The plan of one round, whichever rounds are run besides.

    Args:
        number: of the round, from 0.
        seed: of the run.
        kinds: what may happen; they take turns.
        real_database: whether PostgreSQL is there.
    """
    deaths = list(DEATHS)
    Random(f"{seed}:deaths:{number // len(deaths)}").shuffle(deaths)
    victim, point = deaths[number % len(deaths)]
    turn = Random(f"{seed}:kinds").sample(list(kinds), len(kinds))
    kind = turn[number % len(turn)]
    random = Random(f"{seed}:{number}")
    target = _target(kind, number // len(turn) + seed)
    database = _database(kind, target, number, real_database=real_database)
    if target == "database" and database == "sqlite":
        target = "broker"
    return Plan(
        number=number,
        seed=seed,
        victim=victim,
        point=point,
        nth=1 if point in SELDOM or target == victim else random.randint(1, 3),
        kind=kind,
        target=target,
        database=database,
        begins_at_tick=random.randint(2, 8),
        lasts_s=_PAUSE_S if kind is Kind.PAUSE else random.uniform(_SHORTEST_S, _LONGEST_S),
        skew_s=random.choice((-1, 1)) * random.randint(60, _MOST_SKEW_S),
        comes_back_after_s=random.uniform(0, 1),
    )


def _target(kind: Kind, turn: int) -> str:
    targets = _TARGETS.get(kind, ("",))
    return targets[turn % len(targets)]


def _database(kind: Kind, target: str, number: int, *, real_database: bool) -> Database:
    if not real_database or kind is Kind.FULL_DISK:
        return "sqlite"  # a file, on a disk that is ours to fill
    return "postgresql" if target == "database" or number % 2 else "sqlite"
