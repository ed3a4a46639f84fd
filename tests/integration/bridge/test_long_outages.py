"""Defect 39b: what intake accepted over a long outage is more than the chain's energy budget ever holds at once."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.domain.readings import ProofKind, StatementKind
from core.domain.units import base_units_from_wh
from core.runtime.clock import FixedClock
from core.store import Store, ledger_rows, work
from core.store.tables.chain import LedgerRow
from core.store.tables.meters import MeterRow
from core.store.tables.readings import MeterReadingRow
from core.store.work import DueMeter, Target
from devices.acceptance import STANDARD
from devices.intake import Intake
from tests.support.bridge_world import START_S, World
from tests.support.enrolled import Device, by_mqtt, verdicts
from tests.support.running_bridge import DAY_S, Running, running, until_idle

DAYS = 16
CADENCE_S = 5_400
READINGS = DAYS * DAY_S // CADENCE_S
READING_WH = 157_500
"""90 minutes of 100 kW at 105 % of the plate: intake and chain allow 110 %."""
DAY_WH = 130_000
"""A day of 5 kW at 108 %."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[Running]:
    async with running(tmp_path) as made:
        made.base_at -= DAYS * DAY_S
        yield made


@pytest.mark.parametrize("proof", [ProofKind.DEVICE, ProofKind.ATTESTED])
@pytest.mark.parametrize("days", [[1] * DAYS, [6, 1, 6, 3]])
async def test_all_that_a_register_meter_produced_in_an_outage_of_16_days_is_minted(
    world: Running, proof: ProofKind, days: list[int]
):
    device = await world.add_meter("MTR-001", proof=proof)
    await _accepted(world, device, days, newest_first=False)

    await _all_is_minted(world, device)


@pytest.mark.parametrize("days", [[1] * DAYS, [6, 1, 6, 3]])
@pytest.mark.parametrize("newest_first", [True, False])
async def test_all_that_an_interval_meter_produced_in_an_outage_of_16_days_is_minted(
    world: Running, days: list[int], *, newest_first: bool
):
    device = await world.add_meter("INT-001", kind=StatementKind.INTERVAL)
    await _accepted(world, device, days, newest_first=newest_first)

    await _all_is_minted(world, device)


@pytest.mark.parametrize("kind", StatementKind)
async def test_an_outage_that_began_after_some_settlements_is_made_up_for_too(world: Running, kind: StatementKind):
    device = await world.add_meter("MTR-001", kind=kind)
    await _say(world, device, range(1, 10))
    async with world.bridge() as bridge:
        await until_idle(bridge)
    assert await world.tokens(device) == base_units_from_wh(9 * READING_WH)
    for first in range(10, READINGS + 1, 16):
        await _say(world, device, range(first, min(first + 16, READINGS + 1)))

    await _all_is_minted(world, device)


@pytest.mark.parametrize(("name", "kind"), [("REG", StatementKind.REGISTER), ("INT", StatementKind.INTERVAL)])
async def test_both_databases_tell_the_same_steps_until_the_newest_reading(any_store: Store, name: str, kind: StatementKind):
    world = World(store=any_store)
    await world.add_meters(name, kind=kind)
    await _accept_days(world, name, DAYS)

    seen = [await _settle_next(world, name) for _ in range(3)]

    assert [(due.sequence, due.ordinal) for due in seen] == [(6, 6), (12, 12), (DAYS, DAYS)]
    assert [due.credited_generation_wh for due in seen] == [6 * DAY_WH, 12 * DAY_WH, DAYS * DAY_WH]
    assert [due.register_generation_wh for due in seen] == [6 * DAY_WH, 12 * DAY_WH, DAYS * DAY_WH]
    assert [due.measured_at for due in seen] == [_end_of_day(day) for day in (6, 12, DAYS)]
    assert [due.statement[0] for due in seen] == [6, 12, DAYS]
    evidence = [[one.statement[0] for one in due.evidence] for due in seen]
    proven = kind is StatementKind.REGISTER
    assert evidence == ([[], [], []] if proven else [[*range(1, 7)], [*range(7, 13)], [*range(13, DAYS + 1)]])
    assert (await world.work_of(name)).state == work.IDLE


async def test_a_meter_that_lags_with_little_energy_is_settled_at_once(any_store: Store):
    world = World(store=any_store)
    await world.add_meters("REG")
    await _accept_days(world, "REG", DAYS, day_wh=DAY_WH // 4)

    assert (await _settle_next(world, "REG")).sequence == DAYS


async def _settle_next(world: World, name: str) -> DueMeter:
    """Lease the meter and have the chain credit what is handed out."""
    async with world.store.begin() as session:
        now_ms = world.clock.now_ms()
        (due,) = await work.lease(session, owner="bridge-1", now_ms=now_ms, lease_ms=1_000, limit=10)
        await session.merge(LedgerRow(meter_id=name, sequence=due.sequence, entry_number=due.ordinal if due.evidence else 0))
        reached = Target(meter_id=name, sequence=due.sequence, ordinal=due.ordinal)
        await work.record_success(session, [reached], now_ms=now_ms, min_interval_ms=0)
    return due


async def _accept_days(world: World, name: str, days: int, *, day_wh: int = DAY_WH) -> None:
    """A reading at the end of each day after the base."""
    for day in range(1, days + 1):
        await world.accept(name, sequence=day, generation_wh=day * day_wh)
    async with world.store.begin() as session:
        meter = (await session.exec(select(MeterRow).where(col(MeterRow.meter_id) == name))).one()
        meter.last_measured_at = _end_of_day(days)
        session.add(meter)
        rows = select(MeterReadingRow).where(col(MeterReadingRow.meter_id) == name)
        for row in (await session.exec(rows)).all():
            row.reading_timestamp = _end_of_day(row.sequence)
            row.energy_generation_wh = day_wh
            row.statement = bytes([row.sequence]) * 64
            session.add(row)


def _end_of_day(day: int) -> int:
    return START_S + (day - 1) * DAY_S


async def _accepted(world: Running, device: Device, days: Sequence[int], *, newest_first: bool) -> None:
    """Everything is accepted while no bridge runs: the readings of some days come in at a visit."""
    first = 1
    for length in days:
        numbers = list(range(first, first + length * DAY_S // CADENCE_S))
        await _say(world, device, [numbers[-1], *numbers[:-1]] if newest_first else numbers)
        first += len(numbers)
    assert first == READINGS + 1


async def _say(world: Running, device: Device, numbers: Sequence[int]) -> None:
    """Readings come in, in this order, at the end of the last of them."""
    clock = FixedClock(world.base_at + CADENCE_S * max(numbers))
    intake = Intake(
        store=world.store,
        clock=clock,
        network=world.network,
        profile=STANDARD,
        verifier=world.verifier,
        messages_per_minute=10_000,
    )
    interval = device.kind is StatementKind.INTERVAL
    submissions = [
        by_mqtt(
            device,
            device.binary(
                device.states(
                    number, READING_WH if interval else READING_WH * number, measured_at=world.base_at + CADENCE_S * number
                )
            ),
            received_at=clock.now(),
        )
        for number in numbers
    ]
    assert set(verdicts(await intake.submit(submissions))) == {"accepted"}


async def _all_is_minted(world: Running, device: Device) -> None:
    """Settlement starts, and ends with every reading minted, rows equal to the chain, and nobody in review."""
    async with world.bridge() as bridge:
        await until_idle(bridge)

        assert await world.tokens(device) == base_units_from_wh(READINGS * READING_WH)
        assert await world.minted_sequences() == [*range(1, READINGS + 1)]
        assert (await bridge.audit()).failures == []
        async with world.store.read() as session:
            assert await work.count_by_state(session) == {work.IDLE: 1}
            (view,) = await ledger_rows.ledgers(session)
    assert view.credited_generation_wh == view.accepted_generation_wh == view.minted_wh == READINGS * READING_WH
