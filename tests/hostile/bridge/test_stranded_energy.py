"""Defect 39b: accepted energy is stranded: too old for the chain after an outage, or ahead of the chain's clock."""

from tests.support.bridge_world import World, settle_once
from tests.support.enrolled import verdicts
from tests.support.running_bridge import DAY_S, Running, until_idle


async def test_a_reading_of_nearly_a_week_ago_still_settles_after_an_outage(live: Running):
    live.base_at -= 7 * DAY_S
    device = await live.add_meter("MTR-001")
    step = 4 * 24 + 8  # six days and 22 hours ago
    result = await live.say(live.intake(), (device, step, 5_000, 0))
    assert verdicts(result) == ["accepted"]

    async with live.bridge() as bridge:
        await until_idle(bridge)

        assert await live.tokens(device) == 5_000_000_000
        assert (await bridge.audit()).ok


async def test_a_reading_ahead_of_the_chains_clock_waits_and_is_counted_against_nobody(world: World):
    await world.add_meters("EARLY", "OTHER")
    for name in ("EARLY", "OTHER"):
        await world.accept(name, sequence=1, generation_wh=100)
    world.chain.results = {"EARLY": 5}
    bridge = world.bridge()

    for _ in range(15):
        await settle_once(bridge)
        assert (await world.work_of("EARLY")).attempts == 0
        world.clock.pass_s(31)
    assert world.chain.books["OTHER"].settled_wh == 100
    world.chain.results = {}
    await settle_once(bridge)

    assert world.chain.books["EARLY"].settled_wh == 100
    assert (await world.work_of("EARLY")).state == "idle"
