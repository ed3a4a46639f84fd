"""A meter's status, changed by operators. Times in Unix seconds, energy in Wh."""

from typing import Final

from core.domain.clock import Clock
from core.domain.errors import Conflict, InvalidInput, NotFound
from core.domain.identity import MeterId
from core.domain.readings import MeterStatus
from core.store import Session, audit_log, meters
from core.store.tables.meters import MeterRow
from devices.acceptance import Mark

ALLOWED: Final[dict[MeterStatus, frozenset[MeterStatus]]] = {
    MeterStatus.PENDING: frozenset({MeterStatus.ACTIVE, MeterStatus.SUSPENDED, MeterStatus.RETIRED}),
    MeterStatus.ACTIVE: frozenset({MeterStatus.SUSPENDED, MeterStatus.RETIRED}),
    MeterStatus.SUSPENDED: frozenset({MeterStatus.RETIRED}),
    MeterStatus.RETIRED: frozenset(),
}
"""Retirement is for ever, and a suspension ends only with a new base (`resume_meter`)."""


async def set_status(
    session: Session, meter_id: MeterId, status: MeterStatus, *, reason: str, clock: Clock, actor: str = "operator"
) -> MeterRow:
    """Suspend, retire or activate a meter, with an audit row; the same status again changes nothing.

    Raises:
        NotFound: the meter is not registered.
        InvalidInput: no reason is given, or it is longer than 200 characters.
        Conflict: the meter's present status does not allow it.
    """
    if not 1 <= len(reason.strip()) <= 200:
        raise InvalidInput("a change of status needs a reason of 1 to 200 characters")
    row = await _known(session, meter_id)
    present = MeterStatus(row.status)
    if status is present:
        return row
    if status not in ALLOWED[present]:
        hint = ": resume it from a new base" if present is MeterStatus.SUSPENDED and status is MeterStatus.ACTIVE else ""
        raise Conflict(f"meter {meter_id} is {present.name.lower()} and cannot become {status.name.lower()}{hint}")
    now = clock.now()
    row.status, row.status_reason, row.updated_at = int(status), reason, now
    session.add(row)
    await audit_log.record(
        session,
        at=now,
        actor=actor,
        action=f"meter.{status.name.lower()}",
        subject=meter_id,
        details={"reason": reason, "before": present.name.lower()},
    )
    return row


async def resume_meter(session: Session, meter_id: MeterId, base: Mark, *, clock: Clock, actor: str = "operator") -> MeterRow:
    """End a suspension at a new base that the chain has taken: energy of the time between is not credited.

    Args:
        session: the transaction.
        meter_id: the suspended meter.
        base: registers, number and time that its device signed.
        clock: stamps the rows.
        actor: who did it, for the audit.

    Raises:
        NotFound: the meter is not registered.
        Conflict: the meter is not suspended, or the base lies before what was accepted.
    """
    row = await _known(session, meter_id)
    if row.status != int(MeterStatus.SUSPENDED):
        raise Conflict(f"meter {meter_id} is not suspended")
    if base.sequence < row.last_sequence or base.measured_at < row.last_measured_at:
        raise Conflict(f"the new base of meter {meter_id} lies before its last accepted statement")
    now = clock.now()
    row.status, row.status_reason, row.updated_at, row.held_from_sequence = int(MeterStatus.ACTIVE), None, now, None
    row.base_sequence = row.last_sequence = base.sequence
    row.base_measured_at = row.last_measured_at = row.budget_at = base.measured_at
    row.base_generation_wh = row.last_generation_wh = base.generation_wh
    row.base_consumption_wh = row.last_consumption_wh = base.consumption_wh
    row.budget_generation_ws = row.budget_consumption_ws = 0
    row.highest_sequence = max(row.highest_sequence, base.sequence)
    session.add(row)
    await audit_log.record(
        session,
        at=now,
        actor=actor,
        action="meter.resumed",
        subject=meter_id,
        details={"base_sequence": base.sequence, "base_measured_at": base.measured_at},
    )
    return row


async def _known(session: Session, meter_id: MeterId) -> MeterRow:
    row = await meters.find_for_change(session, meter_id)
    if row is None:
        raise NotFound(f"meter {meter_id} is not registered")
    return row
