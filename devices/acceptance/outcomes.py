"""How a verdict changes what is known of the meter."""

from dataclasses import replace

from core.domain.budget import EnergyBudget
from core.domain.readings import MeterStatus, Statement
from core.domain.verdicts import Reason, Verdict
from devices.acceptance.decision import Decision
from devices.acceptance.profiles import Profile
from devices.acceptance.state import Mark, MeterState


def reject(
    reason: Reason,
    detail: str,
    state: MeterState,
    *,
    seen: Statement | None = None,
    limits: Profile | None = None,
    stored: bool = True,
    suspend: bool = False,
) -> Decision:
    """A rejection.

    Args:
        reason: of the closed list.
        detail: one sentence for people.
        state: the meter before.
        seen: the statement, when its number counts as received from now on.
        limits: needed with `seen`: a number too far ahead never becomes the highest.
        stored: whether a row is written.
        suspend: whether the meter, if it is not worse off already, is suspended.
    """
    new_state = state if seen is None or limits is None else with_highest(state, seen.sequence, limits)
    if suspend:
        # A suspended or retired meter stays what it is: retirement is for ever.
        suspend = state.status in (MeterStatus.PENDING, MeterStatus.ACTIVE)
    if suspend:
        new_state = replace(new_state, status=MeterStatus.SUSPENDED)
    return Decision(verdict=Verdict.REJECTED, reason=reason, detail=detail, new_state=new_state, stored=stored, suspend=suspend)


def quarantine(reason: Reason, detail: str, new_state: MeterState) -> Decision:
    """Doubt: nothing is discarded, nothing is credited."""
    return Decision(verdict=Verdict.QUARANTINED, reason=reason, detail=detail, new_state=new_state)


def with_highest(state: MeterState, sequence: int, limits: Profile) -> MeterState:
    """The state after a number was received; one number near 2^64 must not brick the meter."""
    if not state.highest_sequence < sequence <= state.highest_sequence + limits.max_sequence_jump:
        return state
    return replace(state, highest_sequence=sequence)


def credit(
    statement: Statement, state: MeterState, budget: EnergyBudget, *, generation_wh: int, consumption_wh: int
) -> MeterState:
    """The state after a statement was accepted with this energy, paid from `budget`."""
    newest = statement.sequence > state.last.sequence
    return replace(
        state,
        last=Mark.of(statement) if newest else state.last,
        highest_sequence=max(state.highest_sequence, statement.sequence),
        credited_generation_wh=state.credited_generation_wh + generation_wh,
        credited_consumption_wh=state.credited_consumption_wh + consumption_wh,
        accepted_count=state.accepted_count + 1,
        budget=budget.spent(generation_wh=generation_wh, consumption_wh=consumption_wh),
    )
