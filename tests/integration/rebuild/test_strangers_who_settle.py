"""Anybody may settle a meter; the indexer learns of it after the bridge's own later settlement was written down."""

import asyncio
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from oracle_bridge.indexer import Indexer
from programs.client.confirmation import send_confirmed
from programs.client.instructions import registry
from programs.client.instructions.registry import MeterAccounts
from tests.support.derived_rows import derived_cells
from tests.support.enrolled import Device
from tests.support.rebuilding import rebuild_of
from tests.support.running_bridge import Running, until_idle


async def never(_: Indexer) -> None:
    await asyncio.Event().wait()


async def cranked(world: Running, device: Device) -> str:
    """Somebody settles a meter."""
    at = world.chain.at
    place = MeterAccounts(at.meter(device.meter_id), at.token_account(Pubkey.from_string(device.wallet)))
    crank = registry.settle_meter_balance(at, zones=[at.zone(1)], meters=[place])
    return await send_confirmed(world.chain.client, world.chain.keys.payers[0], [crank])


async def minted_by(world: Running, device: Device) -> list[str]:
    """What each reading of a meter names, by sequence."""
    cells = await derived_cells(world.store)
    return [
        value
        for (_, key, column), value in sorted(cells.items())
        if column == "mint_tx_signature" and key.startswith(f"{device.meter_id} ")
    ]


async def test_a_reading_names_the_stranger_who_settled_it_before_the_bridge(
    world: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Indexer, "run", never)
    roof, house = await world.add_meter("ROOF", owner="alice"), await world.add_meter("HOUSE", owner="alice")
    async with world.bridge() as bridge:
        await world.say(world.intake(bridge), (house, 1, 0, 400))
        await until_idle(bridge)
        await world.say(world.intake(bridge), (roof, 1, 1_000, 0))
        await until_idle(bridge)
        await bridge.indexer.catch_up()
        by_stranger = await cranked(world, house)
        await world.say(world.intake(bridge), (house, 2, 0, 500))
        async with asyncio.timeout(30):
            while not await bridge.is_idle():  # noqa: ASYNC110  # the database sets no event
                await asyncio.sleep(0.02)

        by_bridge = (await minted_by(world, house))[1]
        assert await minted_by(world, house) == [by_bridge, by_bridge], "nobody has read of the stranger yet"
        await bridge.indexer.catch_up()

    assert await minted_by(world, house) == [by_stranger, by_bridge]
    async with rebuild_of(world, tmp_path) as rebuild:
        assert [str(one) for one in (await rebuild.check()).named] == []
