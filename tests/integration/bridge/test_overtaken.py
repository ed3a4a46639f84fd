"""Anyone may submit a device's proof: a bridge that comes second has nothing left to do, and holds nothing against the meter."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from oracle_bridge.refusals import STALE_SEQUENCE_CODE, is_overtaken
from tests.support.bridge_world import World, bridge_world, settle_once

ROOT = Path(__file__).resolve().parents[3]
STALE: dict[str, Any] = {"InstructionError": [3, {"Custom": STALE_SEQUENCE_CODE}]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with bridge_world(tmp_path) as made:
        yield made


async def test_a_meter_whose_reading_somebody_else_submitted_is_done_and_its_next_reading_is_settled(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.refuse = [STALE]
    bridge = world.bridge()
    await settle_once(bridge)

    work = await world.work_of("M1")
    assert (work.state, work.attempts) == ("idle", 0)
    assert [row.status for row in await world.outbox()] == ["refused"]
    await world.accept("M1", sequence=2, generation_wh=300)
    await settle_once(bridge)
    assert world.chain.books["M1"].settled_wh == 300


async def test_a_reading_that_came_in_the_meantime_is_settled(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.refuse = [STALE]
    bridge = world.bridge()
    drafted = await bridge.draft(20)
    await world.accept("M1", sequence=2, generation_wh=300)
    await bridge.submit(drafted)

    await settle_once(bridge)

    assert world.chain.books["M1"].settled_wh == 300


async def test_of_several_meters_none_is_taken_for_done(world: World):
    names = ("M1", "M2")
    await world.add_meters(*names)
    for name in names:
        await world.accept(name, sequence=1, generation_wh=100)
    world.chain.refuse = [STALE]
    bridge = world.bridge()
    await settle_once(bridge)
    assert {(await world.work_of(name)).state for name in names} == {"due"}

    world.clock.pass_s(2)
    await settle_once(bridge)

    assert world.chain.settled_wh == 200


def test_only_a_stale_sequence_means_that_somebody_was_faster():
    assert is_overtaken(STALE, 1)
    assert not is_overtaken(STALE, 2)
    assert not is_overtaken({"InstructionError": [3, {"Custom": STALE_SEQUENCE_CODE + 1}]}, 1)
    assert not is_overtaken("BlockhashNotFound", 1)


def test_the_code_is_the_registrys_and_nobody_elses():
    named = {
        (program, error["name"])
        for program in ("registry", "oracle", "energy_token")
        for error in json.loads((ROOT / "programs" / "idl" / f"{program}.json").read_text()).get("errors", [])
        if error["code"] == STALE_SEQUENCE_CODE
    }

    assert named == {("registry", "StaleSequence")}
