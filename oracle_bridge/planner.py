"""Which meters travel in which transaction: a pure decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

from core.domain.readings import ProofKind
from core.store.outbox import Kind
from core.store.work import DueMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a transaction takes up."""

    size_bytes: int
    accounts: int
    compute_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one transaction may take up."""

    size_bytes: int = 1_232
    """IPv6's minimum MTU less headers: what validators take as one packet."""
    accounts: int = 64
    """Locks that one transaction may hold."""
    compute_units: int = 1_400_000
    """Most that one transaction may ask for."""
    meters: int = 24
    """The registry's own bound for one call."""
    zones: int = 4
    """Likewise."""

    def allow(self, footprint: Footprint) -> bool:
        """Whether a transaction of this footprint can land."""
        return (
            footprint.size_bytes <= self.size_bytes
            and footprint.accounts <= self.accounts
            and footprint.compute_units <= self.compute_units
        )


LIMITS: Final = Limits()


class Measure(Protocol):
    """Tells what a transaction with these meters would take up."""

    def __call__(self, kind: Kind, meters: Sequence[DueMeter], lookup_table: str | None) -> Footprint:
        """The footprint of one transaction of `kind` that addresses accounts by `lookup_table`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One transaction to be."""

    kind: Kind
    meters: tuple[DueMeter, ...]
    lookup_table: str | None


@dataclass(frozen=True, slots=True)
class _Batch:
    kind: Kind
    lookup_table: str | None
    limits: Limits
    measure: Measure

    def fits(self, meters: Sequence[DueMeter]) -> bool:
        if len(meters) > self.limits.meters or len({meter.zone for meter in meters}) > self.limits.zones:
            return False
        return self.limits.allow(self.measure(self.kind, meters, self.lookup_table))

    def plan(self, meters: Sequence[DueMeter]) -> Plan:
        return Plan(kind=self.kind, meters=tuple(meters), lookup_table=self.lookup_table)


def kind_for(meter: DueMeter) -> Kind:
    """How a meter's reading is proven on chain."""
    return "proven" if meter.proof_kind == ProofKind.DEVICE else "attested"


def plan(due: Iterable[DueMeter], *, measure: Measure, limits: Limits = LIMITS) -> list[Plan]:
    """Fill transactions with each meter's newest accepted statement.

    Meters share a transaction with those of the same proof and lookup table; those that the chain refused before
    travel alone. Every meter is in exactly one plan, and no plan exceeds the limits (a meter that can't fit even alone
    gets a plan of its own, which fails without taking others along).
    """
    return _fill([(kind_for(meter), meter) for meter in newest(due)], measure, limits)


def plan_settlements(left: Iterable[DueMeter], *, measure: Measure, limits: Limits = LIMITS) -> list[Plan]:
    """Fill transactions that only settle what was credited before: owed or unsettled energy."""
    return _fill([("settle", meter) for meter in newest(left)], measure, limits)


def newest(due: Iterable[DueMeter]) -> list[DueMeter]:
    """The newest statement of each meter: what came before is contained in it."""
    best: dict[str, DueMeter] = {}
    for meter in due:
        known = best.get(meter.meter_id)
        if known is None or (meter.ordinal, meter.sequence) > (known.ordinal, known.sequence):
            best[meter.meter_id] = meter
    return list(best.values())


def _fill(due: Sequence[tuple[Kind, DueMeter]], measure: Measure, limits: Limits) -> list[Plan]:
    plans: list[Plan] = []
    for (kind, table, alone), group in groupby(sorted(due, key=_order), key=_group):
        batch = _Batch(kind, table, limits, measure)
        meters = [meter for _, meter in group]
        plans += [batch.plan([meter]) for meter in meters] if alone else _pack(batch, meters)
    return plans


def _pack(batch: _Batch, meters: Sequence[DueMeter]) -> list[Plan]:
    """Cut a row of meters into the longest runs that fit; the last run's length is the first guess for the next."""
    plans: list[Plan] = []
    start, guess = 0, 1
    while start < len(meters):
        guess = _longest_run(batch, meters[start:], guess)
        plans.append(batch.plan(meters[start : start + guess]))
        start += guess
    return plans


def _longest_run(batch: _Batch, meters: Sequence[DueMeter], guess: int) -> int:
    count = min(guess, len(meters))
    while count > 1 and not batch.fits(meters[:count]):
        count -= 1
    while count < len(meters) and batch.fits(meters[: count + 1]):
        count += 1
    return count


def _group(entry: tuple[Kind, DueMeter]) -> tuple[Kind, str | None, bool]:
    kind, meter = entry
    return kind, meter.lookup_table, meter.alone


def _order(entry: tuple[Kind, DueMeter]) -> tuple[str, str, bool, int, str]:
    kind, meter = entry
    return kind, meter.lookup_table or "", meter.alone, meter.zone, meter.meter_id
