"""Who stands beside a statement by number, and how near by meter time."""

from core.domain.readings import Statement
from core.domain.verdicts import Reason
from devices.acceptance.profiles import Profile
from devices.acceptance.state import Mark, MeterState, Neighbours


def accepted_before(statement: Statement, state: MeterState, neighbours: Neighbours) -> Mark:
    """The accepted statement of the highest number below, or the base."""
    if statement.sequence > state.last.sequence:
        return state.last
    return neighbours.before or state.base


def accepted_after(statement: Statement, state: MeterState, neighbours: Neighbours) -> Mark | None:
    """The accepted statement of the lowest number above, or None for the newest."""
    if statement.sequence > state.last.sequence:
        return None
    return neighbours.after or state.last


def too_near(statement: Statement, marks: tuple[Mark | None, ...], state: MeterState, limits: Profile) -> Reason | None:
    """`too_frequent` or `repeated_window` when an accepted neighbour is too near by meter time.

    The base is no reading: a meter may be bound at any moment within its cadence.
    """
    distances = [
        abs(statement.measured_at - mark.measured_at)
        for mark in marks
        if mark is not None and mark.sequence > state.base.sequence
    ]
    nearest = min(distances, default=limits.min_distance_s)
    if nearest < limits.frequent_s:
        return Reason.TOO_FREQUENT
    return Reason.REPEATED_WINDOW if nearest < limits.min_distance_s else None
