"""Between a meter's row and the state that the rules judge."""

from core.domain.budget import EnergyBudget
from core.domain.readings import AssetKind, MeterStatus, StatementKind
from core.store.meters import MeterProgress, MeterStanding
from devices.acceptance import Mark, MeterState


def state_of(standing: MeterStanding) -> MeterState:
    """The rules' view of a meter's row."""
    return MeterState(
        status=MeterStatus(standing.status),
        owner_verified=standing.owner_verified,
        statement_kind=StatementKind(standing.statement_kind),
        asset_kind=AssetKind(standing.asset_kind),
        rated_power_out_w=standing.rated_power_out_w,
        rated_power_in_w=standing.rated_power_in_w,
        base=Mark(
            sequence=standing.base_sequence,
            measured_at=standing.base_measured_at,
            generation_wh=standing.base_generation_wh,
            consumption_wh=standing.base_consumption_wh,
        ),
        last=Mark(
            sequence=standing.last_sequence,
            measured_at=standing.last_measured_at,
            generation_wh=standing.last_generation_wh,
            consumption_wh=standing.last_consumption_wh,
        ),
        highest_sequence=standing.highest_sequence,
        credited_generation_wh=standing.credited_generation_wh,
        credited_consumption_wh=standing.credited_consumption_wh,
        accepted_count=standing.accepted_count,
        budget=EnergyBudget(
            generation_ws=standing.budget_generation_ws,
            consumption_ws=standing.budget_consumption_ws,
            at=standing.budget_at,
        ),
        held_from=standing.held_from_sequence,
    )


def progress_of(meter_id: str, state: MeterState, *, contiguous_sequence: int) -> MeterProgress:
    """What a meter's row becomes."""
    return MeterProgress(
        meter_id=meter_id,
        status=int(state.status),
        highest_sequence=state.highest_sequence,
        contiguous_sequence=contiguous_sequence,
        last_sequence=state.last.sequence,
        last_measured_at=state.last.measured_at,
        last_generation_wh=state.last.generation_wh,
        last_consumption_wh=state.last.consumption_wh,
        credited_generation_wh=state.credited_generation_wh,
        credited_consumption_wh=state.credited_consumption_wh,
        accepted_count=state.accepted_count,
        budget_generation_ws=state.budget.generation_ws,
        budget_consumption_ws=state.budget.consumption_ws,
        budget_at=state.budget.at,
        held_from_sequence=state.held_from,
    )
