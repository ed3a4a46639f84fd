"""The one rule set: what becomes of a verified statement. Pure; order is judged by number, never by arrival."""

from core.domain.readings import MeterStatus, Statement, StatementKind
from core.domain.units import MAX_WH
from core.domain.verdicts import Reason, Verdict, is_final
from devices.acceptance.decision import Decision
from devices.acceptance.interval_rules import decide_interval
from devices.acceptance.outcomes import quarantine, reject
from devices.acceptance.profiles import Profile
from devices.acceptance.register_rules import decide_register
from devices.acceptance.state import Earlier, MeterState, Neighbours


def decide(statement: Statement, state: MeterState, neighbours: Neighbours, limits: Profile, received_at: int) -> Decision:
    """Judge a statement whose signature, network and meter were checked.

    Args:
        statement: what the meter said.
        state: the meter as it is now.
        neighbours: what is stored around the number. Nothing is needed for a number above `state.highest_sequence`
            while the meter does not hold, except `same` for one beyond `limits.max_sequence_jump`.
        limits: the named limits in force.
        received_at: Unix seconds of the platform's clock.
    """
    if refusal := _before_the_number_counts(statement, state):
        return refusal
    if (same := neighbours.same) is not None:
        if same.statement != statement:
            return _conflict(state)
        if not _is_retry(same):
            return _repeat(same, state)
    if refusal := _standing(statement, state, limits) or _clock(statement, state, limits, received_at):
        return refusal
    if statement.sequence > state.highest_sequence + limits.max_sequence_jump:
        return quarantine(Reason.IMPLAUSIBLE, "the number is too far ahead of the highest known", state)
    if statement.kind is StatementKind.REGISTER:
        return decide_register(statement, state, neighbours, limits, received_at)
    return decide_interval(statement, state, neighbours, limits, received_at)


def _before_the_number_counts(statement: Statement, state: MeterState) -> Decision | None:
    numbers = (statement.sequence, statement.measured_at, statement.generation_wh, statement.consumption_wh)
    if max(numbers) > MAX_WH:
        return reject(Reason.MALFORMED, "a number is not representable: it is 2^63 or more", state, stored=False)
    if statement.kind is not state.statement_kind:
        return reject(Reason.WRONG_KIND, "the meter was bound to the other kind of statement", state)
    if statement.sequence <= state.base.sequence:
        return reject(Reason.METER_NOT_ACTIVE, "the number is not above the base of the binding", state)
    return None


def _conflict(state: MeterState) -> Decision:
    """Two signed contents of one number prove a faulty or cloned device."""
    return reject(Reason.SEQUENCE_CONFLICT, "the number was used for another content", state, suspend=True)


def _is_retry(same: Earlier) -> bool:
    """A rejection that was not the last word is judged anew."""
    return same.verdict is Verdict.REJECTED and not is_final(same.verdict, same.reason)


def _repeat(same: Earlier, state: MeterState) -> Decision:
    """The same content again changes nothing; what is not accepted is answered as before."""
    if same.verdict in (Verdict.ACCEPTED, Verdict.REPEATED):
        return Decision(verdict=Verdict.REPEATED, new_state=state, stored=False)
    return Decision(verdict=same.verdict, reason=same.reason, detail="as before", new_state=state, stored=False)


def _standing(statement: Statement, state: MeterState, limits: Profile) -> Decision | None:
    if state.status is not MeterStatus.ACTIVE:
        return reject(Reason.METER_NOT_ACTIVE, "the meter is not active", state, seen=statement, limits=limits)
    if not state.owner_verified:
        return reject(Reason.OWNER_NOT_VERIFIED, "the owner is not verified", state, seen=statement, limits=limits)
    return None


def _clock(statement: Statement, state: MeterState, limits: Profile, received_at: int) -> Decision | None:
    if statement.measured_at <= state.base.measured_at:
        detail = "measured at or before the base of the binding"
        return reject(Reason.METER_NOT_ACTIVE, detail, state, seen=statement, limits=limits)
    if statement.measured_at > received_at + limits.max_future_s:
        return reject(Reason.FUTURE, "measured in the future", state, seen=statement, limits=limits)
    return None
