"""A rebuild writes the rows that the bridge wrote: identical in every column that follows from the chain."""

from pathlib import Path

from core.domain.readings import ProofKind, StatementKind
from tests.support.derived_rows import derived_cells, forget_derived
from tests.support.rebuilding import rebuild_of
from tests.support.running_bridge import Running, names, until_idle


async def live_a_little(world: Running) -> None:
    """Registers, intervals and attested meters, history that comes late, and consumption that waits for tokens."""
    registers = [await world.add_meter(name) for name in names("REG", 3)]
    interval = await world.add_meter("INT", kind=StatementKind.INTERVAL)
    attested = await world.add_meter("ATT", proof=ProofKind.ATTESTED)
    house = await world.add_meter("HOUSE", owner="alice")
    roof = await world.add_meter("ROOF", owner="alice")
    async with world.bridge() as bridge:
        intake = world.intake(bridge)
        for step in (1, 3, 4, 2):
            await world.say(intake, *((device, step, 1_000 * step, 100 * step) for device in registers))
            await world.say(intake, (interval, step, 500, 10), (attested, step, 300 * step, 0))
            await until_idle(bridge)
        await world.say(intake, (house, 1, 0, 400))
        await until_idle(bridge)
        await world.say(intake, (roof, 1, 1_000, 0), (house, 2, 0, 500))
        await until_idle(bridge)
        await bridge.sweep()
        await until_idle(bridge)


async def test_rows_that_the_bridge_wrote_are_those_of_the_chain(world: Running, tmp_path: Path):
    await live_a_little(world)
    before = await derived_cells(world.store)

    async with rebuild_of(world, tmp_path) as rebuild:
        assert [str(one) for one in (await rebuild.check()).named] == []
        assert (await rebuild.mend()).total == 0

    assert await derived_cells(world.store) == before
    assert sum(table == "meter_readings" and column == "minted" and value for (table, _, column), value in before.items()) > 15


async def test_a_database_that_has_lost_all_of_them_gets_the_same_ones_again(world: Running, tmp_path: Path):
    await live_a_little(world)
    before = await derived_cells(world.store)
    await forget_derived(world.store)
    assert await derived_cells(world.store) != before

    async with rebuild_of(world, tmp_path) as rebuild:
        found = await rebuild.mend()

    assert found.counted["chain_events"] > 20
    assert await derived_cells(world.store) == before
    assert (await world.new_bridge().audit()).failures == []
