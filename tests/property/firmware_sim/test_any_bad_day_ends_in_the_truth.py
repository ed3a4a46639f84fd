import asyncio
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.identity import MeterId
from core.domain.readings import StatementKind
from core.runtime.clock import FixedClock
from devices.acceptance import Mark
from devices.topics import Channel
from firmware_sim.faults import NO_FAULTS, USUAL_FAULTS, FaultPlan
from firmware_sim.fleet import Fleet, MeterSpec, draw_specs
from firmware_sim.transport import MemoryTransport
from firmware_sim.weather import Weather
from tests.support.memory_platform import MemoryPlatform, active_meter

NOON = 1_750_000_500 - 1_750_000_500 % 900
NETWORK = bytes(range(8))
HOURS = 6


class Day:
    """A fleet and a platform in memory, joined by wires that deliver at the next turn of the loop."""

    def __init__(self, *, meters: int, seed: int, faults: FaultPlan, journal_dir: Path | None = None) -> None:
        self.start = NOON - HOURS * 3_600
        self.clock = FixedClock(NOON)
        self.platform = MemoryPlatform(NETWORK, self.clock)
        self.specs: list[MeterSpec] = draw_specs(meters, seed=seed, base_measured_at=self.start)
        self.transport = MemoryTransport(self._receive)
        self.fleet = Fleet(
            self.specs,
            network=NETWORK,
            transport=self.transport,
            clock=self.clock,
            weather=Weather(seed=seed),
            faults=faults,
            seed=seed,
            journal_dir=journal_dir,
            first_retry_s=0.01,
        )
        for spec in self.specs:
            base = Mark(
                sequence=spec.base.sequence,
                measured_at=spec.base.measured_at,
                generation_wh=spec.base.generation_wh,
                consumption_wh=spec.base.consumption_wh,
            )
            state = active_meter(
                kind=spec.statement_kind,
                asset_kind=spec.plate.asset_kind,
                rated_power_out_w=spec.plate.rated_power_out_w,
                rated_power_in_w=spec.plate.rated_power_in_w,
                base=base,
            )
            self.platform.bind(spec.meter_id, spec.key.public_key, state)

    def _receive(self, meter_id: MeterId, channel: Channel, payload: bytes) -> None:
        for answer in self.platform.receive(meter_id, channel, payload):
            asyncio.get_running_loop().call_soon(self.transport.deliver, meter_id, Channel.RECEIPT, answer)

    async def run(self) -> list[MeterId]:
        await self.fleet.connect()
        await self.fleet.live(self.start, NOON)
        waiting = await self.fleet.drain(5)
        await self.fleet.close()
        return waiting

    def attested(self, meter_id: MeterId) -> tuple[int, int]:
        state = self.platform.books[meter_id].state
        return state.credited_generation_wh, state.credited_consumption_wh


def faults() -> st.SearchStrategy[FaultPlan]:
    often = st.integers(0, 300)
    return st.builds(FaultPlan, loss=often, repeat=often, reorder=often, tamper=often, outage=st.integers(0, 100))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), plan=faults())
def test_whatever_is_lost_repeated_reordered_or_tampered_the_credited_totals_are_the_truth(seed: int, plan: FaultPlan):
    day = Day(meters=6, seed=seed, faults=plan)

    waiting = asyncio.run(day.run())

    assert waiting == []
    truth = day.fleet.truth()
    for spec in day.specs:
        flowed = truth.meters[spec.meter_id]
        assert day.attested(spec.meter_id) == (flowed.generation_wh, flowed.consumption_wh)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_with_wrong_clocks_nothing_is_credited_that_did_not_flow_and_no_interval_vanishes(seed: int):
    day = Day(meters=6, seed=seed, faults=FaultPlan(loss=100, repeat=100, reorder=100, skew=60, skew_s=200))

    asyncio.run(day.run())

    truth = day.fleet.truth()
    for spec in day.specs:
        flowed = truth.meters[spec.meter_id]
        generation_wh, consumption_wh = day.attested(spec.meter_id)
        assert generation_wh <= flowed.generation_wh
        assert consumption_wh <= flowed.consumption_wh
        if spec.statement_kind is StatementKind.INTERVAL:
            doubted = [row for row in day.platform.books[spec.meter_id].rows.values() if row.verdict.value == "quarantined"]
            assert generation_wh + sum(row.statement.generation_wh for row in doubted) == flowed.generation_wh


def test_the_same_seed_gives_the_same_day_and_another_seed_another():
    days = [Day(meters=4, seed=seed, faults=USUAL_FAULTS) for seed in (7, 7, 8)]

    for day in days:
        asyncio.run(day.run())

    first, again, other = (day.fleet.truth().meters for day in days)
    assert first == again
    assert first != other


def test_journals_on_disk_give_the_same_ledger(tmp_path: Path):
    day = Day(meters=3, seed=5, faults=USUAL_FAULTS, journal_dir=tmp_path)

    assert asyncio.run(day.run()) == []

    truth = day.fleet.truth()
    assert sum(day.attested(spec.meter_id)[0] for spec in day.specs) <= truth.generation_wh
    assert len(list(tmp_path.glob("*.journal"))) == 3


def test_a_day_without_faults_needs_each_message_once():
    day = Day(meters=8, seed=1, faults=NO_FAULTS)

    assert asyncio.run(day.run()) == []

    truth = day.fleet.truth()
    assert truth.total("sent") == truth.total("stated")
    assert day.platform.verdicts.total() == truth.total("stated")
    assert truth.generation_wh > 0
    assert truth.consumption_wh > 0
