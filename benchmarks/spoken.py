"""What a deployment's meters say: one signed statement each a round, prepared as the door takes it."""

from typing import Final

from benchmarks.large_deployment import FLEET, Deployment
from core.domain.readings import Statement, StatementKind
from core.runtime.clock import SystemClock
from devices.acceptance import STANDARD
from devices.envelope import encode_binary
from devices.intake import Submission
from devices.statement import encode_statement
from firmware_sim.fleet import MeterSpec

GENERATION_WH: Final = 250
"""Of each quarter of an hour."""


def speak(made: Deployment, spec: MeterSpec, number: int) -> Submission:
    """A meter's statement of the `number`-th quarter after its base."""
    is_register = spec.statement_kind is StatementKind.REGISTER
    statement = Statement(
        kind=spec.statement_kind,
        network=made.prepared.network,
        meter_id=spec.meter_id,
        sequence=number,
        measured_at=made.prepared.base_at + number * STANDARD.cadence_s,
        generation_wh=spec.base.generation_wh + GENERATION_WH * number if is_register else GENERATION_WH,
        consumption_wh=spec.base.consumption_wh if is_register else 0,
    )
    return Submission(
        raw=encode_binary(statement, spec.key.sign(encode_statement(statement))),
        source="mqtt",
        kind="reading",
        fleet=FLEET,
        topic_meter_id=spec.meter_id,
        received_at=SystemClock().now(),
    )
