"""Interval statements: each number once, in any order of arrival; one refused for its time is kept in quarantine.

An interval stands for itself, so nothing is held because of another one.
"""

from core.domain.readings import Statement
from core.domain.verdicts import Reason, Verdict
from devices.acceptance.decision import Decision
from devices.acceptance.neighbourhood import accepted_after, accepted_before, too_near
from devices.acceptance.outcomes import credit, quarantine, reject, with_highest
from devices.acceptance.profiles import Profile
from devices.acceptance.state import Mark, MeterState, Neighbours


def decide_interval(
    statement: Statement, state: MeterState, neighbours: Neighbours, limits: Profile, received_at: int
) -> Decision:
    """Judge an interval statement of an active meter; arguments as in `decide`."""
    before = accepted_before(statement, state, neighbours)
    after = accepted_after(statement, state, neighbours)
    if statement.generation_wh == 0 and statement.consumption_wh == 0:
        return reject(Reason.ZERO_ENERGY, "an interval without energy says nothing", state, seen=statement, limits=limits)
    if max(statement.generation_wh, statement.consumption_wh) > limits.energy_limit_wh(_span_s(statement, before)):
        detail = "more energy than a meter may show in that time"
        return reject(Reason.OVER_LIMIT, detail, state, seen=statement, limits=limits)
    budget = state.budget.refilled(
        rated_power_out_w=state.rated_power_out_w, rated_power_in_w=state.rated_power_in_w, at=statement.measured_at
    )
    energy = {"generation_wh": statement.generation_wh, "consumption_wh": statement.consumption_wh}
    doubt = _doubt(statement, state, (before, after), limits, received_at)
    if doubt is None and not budget.covers(**energy):
        doubt = Reason.OVER_CAPACITY
    if doubt is not None:
        detail = "kept for an operator: its energy exists nowhere else"
        return quarantine(doubt, detail, with_highest(state, statement.sequence, limits))
    return Decision(
        verdict=Verdict.ACCEPTED,
        energy_generation_wh=statement.generation_wh,
        energy_consumption_wh=statement.consumption_wh,
        new_state=credit(statement, state, budget, **energy),
    )


def _span_s(statement: Statement, before: Mark) -> int:
    """The interval's own length: missing numbers in between have their share of the time."""
    return -((before.measured_at - statement.measured_at) // (statement.sequence - before.sequence))


def _doubt(
    statement: Statement, state: MeterState, beside: tuple[Mark, Mark | None], limits: Profile, received_at: int
) -> Reason | None:
    if received_at - statement.measured_at > limits.max_age_s:
        return Reason.STALE
    if near := too_near(statement, beside, state, limits):
        return near
    before, after = beside
    out_of_order = statement.measured_at < before.measured_at or (after is not None and statement.measured_at > after.measured_at)
    cannot_consume = statement.consumption_wh > 0 and state.rated_power_in_w == 0
    return Reason.IMPLAUSIBLE if out_of_order or cannot_consume else None
