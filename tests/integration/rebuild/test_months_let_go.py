"""Months of readings that were let go are evidence: a rebuild neither misses them nor brings them back."""

from pathlib import Path

from core.store import partitions
from tests.support.derived_rows import derived_cells, forget_derived
from tests.support.rebuilding import rebuild_of
from tests.support.running_bridge import Running, until_idle

DAY_S = 86_400


async def test_a_rebuild_after_a_month_was_let_go_touches_what_is_left_alone(world: Running, tmp_path: Path):
    device = await world.add_meter("MTR-001")
    async with world.bridge() as bridge:
        for step in (1, 2):
            await world.say(world.intake(bridge), (device, step, 1_000 * step, 0))
            await until_idle(bridge)
    assert await world.minted_sequences() == [1, 2]
    assert await partitions.let_go(world.store, now=world.clock.now() + 70 * DAY_S, keep_months=1) != []
    before = await derived_cells(world.store)

    async with rebuild_of(world, tmp_path) as rebuild:
        assert [str(one) for one in (await rebuild.check()).named] == []
        await forget_derived(world.store)
        await rebuild.mend()

    assert await derived_cells(world.store) == before
    assert await world.minted_sequences() == []
    assert (await world.new_bridge().audit()).failures == []
