import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from core.domain.readings import ProofKind, StatementKind
from core.domain.units import base_units_from_wh
from oracle_bridge import audit
from tests.support.enrolled import verdicts
from tests.support.running_bridge import Running, names, running, until_idle


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[Running]:
    async with running(tmp_path) as made:
        yield made


async def test_a_reading_becomes_tokens_rows_and_an_audit_that_adds_up(world: Running):
    device = await world.add_meter("MTR-001")
    async with world.bridge() as bridge:
        intake = world.intake(bridge)

        result = await world.say(intake, (device, 1, 10_500, 0))
        await until_idle(bridge)

        assert verdicts(result) == ["accepted"]
        assert await world.tokens(device) == 10_500_000_000
        report = await bridge.audit({"MTR-001": (10_500, 0)})
        assert report.failures == []
        assert report.terms["attested_net"] == 10_500
        assert report.terms["after_last_accepted"] == 0


async def test_five_device_proven_meters_share_a_transaction(world: Running):
    devices = [await world.add_meter(name) for name in names("MTR", 5)]
    async with world.bridge() as bridge:
        await world.say(world.intake(bridge), *((device, 1, 1_000, 300) for device in devices))
        await until_idle(bridge)

        totals = await bridge.totals()
        assert (totals.transactions("landed"), totals.items("landed")) == (1, 5)
        assert [await world.tokens(device) for device in devices] == [base_units_from_wh(700)] * 5


async def test_interval_and_attested_meters_are_settled_in_one_batch(world: Running):
    devices = [await world.add_meter(name, kind=StatementKind.INTERVAL) for name in names("INT", 3)]
    devices += [await world.add_meter(name, proof=ProofKind.ATTESTED) for name in names("ATT", 3)]
    async with world.bridge() as bridge:
        intake = world.intake(bridge)
        await world.say(intake, *((device, 1, 500, 0) for device in devices))
        await until_idle(bridge)
        await world.say(intake, *((device, 3, 600, 0) for device in devices))
        await until_idle(bridge)
        await world.say(intake, *((device, 2, 550, 0) for device in devices))
        await until_idle(bridge)
        await bridge.indexer.catch_up()

        assert [await world.tokens(device) for device in devices] == [base_units_from_wh(1_650)] * 3 + [
            base_units_from_wh(600)
        ] * 3
        report = await bridge.audit()
        assert report.failures == []


async def test_consumption_burns_what_there_is_and_the_rest_is_owed_until_there_are_tokens(world: Running):
    solar = await world.add_meter("SOLAR", owner="alice")
    house = await world.add_meter("HOUSE", owner="alice")
    async with world.bridge() as bridge:
        intake = world.intake(bridge)
        await world.say(intake, (house, 1, 0, 400))
        await until_idle(bridge)
        report = await bridge.audit()
        assert (report.terms["owed"], report.failures) == (400, [])

        await world.say(intake, (solar, 1, 1_000, 0), (house, 2, 0, 500))
        await until_idle(bridge)

        async with asyncio.timeout(10):
            while (await bridge.audit()).terms["owed"]:
                await bridge.sweep()
                await until_idle(bridge)
        assert await world.tokens(solar) == base_units_from_wh(500)
        assert (await audit.run(world.store, world.chain.client)).failures == []


async def test_a_restart_continues_where_the_last_life_ended(world: Running):
    device = await world.add_meter("MTR-001")
    async with world.bridge() as bridge:
        await world.say(world.intake(bridge), (device, 1, 1_000, 0))
    await world.say(world.intake(), (device, 2, 2_500, 0))

    async with world.bridge() as bridge:
        await until_idle(bridge)

        assert await world.tokens(device) == base_units_from_wh(2_500)
        assert (await bridge.audit()).failures == []


async def test_the_bridge_tells_its_latency_and_health(world: Running):
    device = await world.add_meter("MTR-001")
    async with world.bridge() as bridge:
        await world.say(world.intake(bridge), (device, 1, 1_000, 0))
        await until_idle(bridge)

        assert bridge.latency.samples == 1
        assert 0 < (bridge.latency.percentile_ms(50) or 0) < 2_000
        reports = await world.health.report()
        parts = {"chain", "programs", "attesters", "payers", "settlement", "indexer", "clock"}
        assert {name: (report.ok, report.detail) for name, report in reports.items() if not report.ok} == {}
        assert reports.keys() == parts
        assert reports["chain"].engine.startswith("solana-core ")
