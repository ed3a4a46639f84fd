"""Register statements: energy is the growth against the accepted neighbour, and doubt holds what comes after it."""

from dataclasses import replace

from core.domain.readings import Statement
from core.domain.verdicts import Reason, Verdict
from devices.acceptance.decision import Decision
from devices.acceptance.neighbourhood import accepted_after, accepted_before, too_near
from devices.acceptance.outcomes import credit, quarantine, reject, with_highest
from devices.acceptance.profiles import Profile
from devices.acceptance.state import Mark, MeterState, Neighbours


def decide_register(
    statement: Statement, state: MeterState, neighbours: Neighbours, limits: Profile, received_at: int
) -> Decision:
    """Judge a register statement of an active meter; arguments as in `decide`."""
    before = accepted_before(statement, state, neighbours)
    after = accepted_after(statement, state, neighbours)
    this = Mark.of(statement)
    if received_at - statement.measured_at > limits.max_age_s:
        return reject(Reason.STALE, "older than the age limit", state, seen=statement, limits=limits)
    if not _in_order(before, this) or (after is not None and not _in_order(this, after)):
        detail = "time or registers do not fit between the neighbours"
        return reject(Reason.REGISTER_BACKWARDS, detail, state, seen=statement, limits=limits)
    if near := too_near(statement, (before, after), state, limits):
        return reject(near, "too near to an accepted reading", state, seen=statement, limits=limits)
    if after is not None:
        return _history(state)
    return _newest(statement, before, state, neighbours, limits)


def _in_order(earlier: Mark, later: Mark) -> bool:
    """Time may stand still here: equal times are told as too frequent."""
    return (
        earlier.measured_at <= later.measured_at
        and earlier.generation_wh <= later.generation_wh
        and earlier.consumption_wh <= later.consumption_wh
    )


def _history(state: MeterState) -> Decision:
    """A later statement already contained it: it is accepted and moves no value."""
    return Decision(
        verdict=Verdict.ACCEPTED,
        detail="history: a later statement contains it",
        new_state=replace(state, accepted_count=state.accepted_count + 1),
    )


def _newest(statement: Statement, before: Mark, state: MeterState, neighbours: Neighbours, limits: Profile) -> Decision:
    generation_wh = statement.generation_wh - before.generation_wh
    consumption_wh = statement.consumption_wh - before.consumption_wh
    if max(generation_wh, consumption_wh) > limits.energy_limit_wh(statement.measured_at - before.measured_at):
        detail = "more energy than a meter may show in that time"
        return reject(Reason.OVER_LIMIT, detail, state, seen=statement, limits=limits)
    budget = state.budget.refilled(
        rated_power_out_w=state.rated_power_out_w, rated_power_in_w=state.rated_power_in_w, at=statement.measured_at
    )
    if not budget.covers(generation_wh=generation_wh, consumption_wh=consumption_wh):
        return _doubt(statement, state, limits)
    credited = credit(statement, state, budget, generation_wh=generation_wh, consumption_wh=consumption_wh)
    accepted = Decision(
        verdict=Verdict.ACCEPTED,
        energy_generation_wh=generation_wh,
        energy_consumption_wh=consumption_wh,
        new_state=credited,
    )
    if state.held_from is None or statement.sequence < state.held_from:
        return accepted
    return _ending_the_hold(accepted, before, Mark.of(statement), neighbours, limits)


def _doubt(statement: Statement, state: MeterState, limits: Profile) -> Decision:
    """Settlement stops at the last accepted statement; the first one in doubt holds the ones after it."""
    seen = with_highest(state, statement.sequence, limits)
    if state.held_from is not None and statement.sequence > state.held_from:
        return quarantine(Reason.HELD, "an earlier reading of the meter is in doubt", seen)
    detail = "more energy than the meter's rated power allows"
    return quarantine(Reason.OVER_CAPACITY, detail, replace(seen, held_from=statement.sequence))


def _ending_the_hold(accepted: Decision, before: Mark, this: Mark, neighbours: Neighbours, limits: Profile) -> Decision:
    """The whole span is within limits: what was in doubt before it is history if it fits, else refused."""
    released: list[int] = []
    refused: list[tuple[int, Reason]] = []
    last = before
    for doubted in neighbours.doubted:
        if not before.sequence < doubted.sequence < this.sequence:
            continue
        reason = _misfit(last, doubted, this, limits)
        if reason is None:
            released.append(doubted.sequence)
            last = doubted
        else:
            refused.append((doubted.sequence, reason))
    state = accepted.new_state
    still = [mark.sequence for mark in neighbours.doubted if this.sequence < mark.sequence <= state.highest_sequence]
    return replace(
        accepted,
        new_state=replace(state, held_from=min(still, default=None), accepted_count=state.accepted_count + len(released)),
        released=tuple(released),
        refused=tuple(refused),
    )


def _misfit(earlier: Mark, doubted: Mark, later: Mark, limits: Profile) -> Reason | None:
    if not (_in_order(earlier, doubted) and _in_order(doubted, later)):
        return Reason.REGISTER_BACKWARDS
    nearest = min(doubted.measured_at - earlier.measured_at, later.measured_at - doubted.measured_at)
    return Reason.REPEATED_WINDOW if nearest < limits.min_distance_s else None
