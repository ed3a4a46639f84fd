"""The platform's clock ran ahead, and was set back: nothing waits for the time that will never come again."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.bridge_world import World, bridge_world, settle_once

AHEAD_S = 600


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with bridge_world(tmp_path) as made:
        yield made


async def test_work_that_was_asked_for_ahead_of_time_is_settled_after_the_clock_was_set_back(world: World):
    await world.add_meters("M1")
    world.clock.pass_s(AHEAD_S)
    await world.accept("M1", sequence=1, generation_wh=100)

    world.clock.pass_s(-AHEAD_S)
    await settle_once(world.bridge())

    assert world.chain.books["M1"].settled_wh == 100


async def test_new_readings_of_a_meter_that_was_settled_ahead_of_time_are_settled(world: World):
    await world.add_meters("M1")
    bridge = world.bridge()
    world.clock.pass_s(AHEAD_S)
    await world.accept("M1", sequence=1, generation_wh=100)
    await settle_once(bridge)

    world.clock.pass_s(-AHEAD_S)
    await world.accept("M1", sequence=2, generation_wh=300)
    await world.accept("M1", sequence=3, generation_wh=400)
    await settle_once(bridge)

    assert world.chain.books["M1"].settled_wh == 400


async def test_a_transaction_that_was_lost_ahead_of_time_is_sent_again(world: World):
    await world.add_meters("M1")
    world.clock.pass_s(AHEAD_S)
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["lost"]
    bridge = world.bridge()
    await settle_once(bridge)

    world.clock.pass_s(-AHEAD_S)
    await bridge.follow()
    await bridge.follow()

    assert [row.status for row in await world.outbox()] == ["landed"]


async def test_a_back_off_by_the_present_clock_is_kept(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.poisoned = {"M1"}
    bridge = world.bridge()
    await settle_once(bridge)

    assert await bridge.draft(20) == []
