from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.store import ledger_rows
from oracle_bridge.indexer import Indexer
from oracle_bridge.submitter import Submitter
from tests.support.bridge_world import World, bridge_world, settle_once
from tests.support.crashes import CrashingChain, CrashingStore, Fuse, PowerCut
from tests.support.fake_chain import AT

METERS = ("M1", "M2", "M3")
MOST_MOMENTS = 60


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with bridge_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("fault", ["", "unheard", "lost", "late"])
async def test_a_power_cut_at_any_moment_settles_exactly_once(world: World, fault: str):
    await world.add_meters(*METERS)
    lives = 0
    for moments in range(MOST_MOMENTS):
        generation_wh = 1_000 * (moments + 1)
        for name in METERS:
            await world.accept(name, sequence=moments + 1, generation_wh=generation_wh)
        world.chain.faults = [fault]
        fuse = Fuse(moments)
        await _live(_fragile(world, fuse))
        lives += 1

        await _finish(world, world.bridge())

        books = {name: (book.settled_wh, book.mints) for name, book in world.chain.books.items()}
        assert books == dict.fromkeys(METERS, (generation_wh, moments + 1))
        for name in METERS:
            assert all(row.minted and row.mint_tx_signature in world.chain.landed for row in await world.readings(name))
            assert (await world.work_of(name)).state == "idle"
        if not fuse.burnt:
            break
    assert 5 < lives < MOST_MOMENTS


async def test_an_indexer_that_dies_at_any_moment_counts_every_event_once(world: World):
    await world.add_meters(*METERS)
    for moments in range(MOST_MOMENTS):
        for name in METERS:
            await world.accept(name, sequence=moments + 1, generation_wh=1_000 * (moments + 1))
        drafted = await world.bridge().draft(20)
        await world.bridge().submit(drafted)  # landed, and nobody has written it down yet
        fuse = Fuse(moments)
        with suppress(PowerCut):
            await _indexer(world, CrashingStore(world.store, fuse)).catch_up()

        await _indexer(world, world.store).catch_up()

        assert await _minted(world) == dict.fromkeys(METERS, 1_000 * (moments + 1))
        await _finish(world, world.bridge())
        assert await _minted(world) == dict.fromkeys(METERS, 1_000 * (moments + 1))
        if not fuse.burnt:
            return
    pytest.fail("the indexer never finished")


def _fragile(world: World, fuse: Fuse) -> Submitter:
    store: Any = CrashingStore(world.store, fuse)
    chain: Any = CrashingChain(world.chain, fuse)
    return world.bridge(store=store, chain=chain)


def _indexer(world: World, store: Any) -> Indexer:
    return Indexer(store=store, chain=world.chain, at=AT, clock=world.clock, metrics=world.metrics)


async def _live(bridge: Submitter) -> None:
    """Work until the power goes, or until all is done."""
    with suppress(PowerCut):
        await settle_once(bridge)
        await bridge.follow()


async def _finish(world: World, bridge: Submitter) -> None:
    """A new life under good conditions; what was late arrives somewhere in it."""
    world.chain.faults = []
    for _ in range(4):
        world.clock.pass_s(3)
        await bridge.follow()
        world.chain.release()
        await settle_once(bridge)
    world.chain.advance(200)
    for _ in range(4):
        world.clock.pass_s(3)
        await settle_once(bridge)


async def _minted(world: World) -> dict[str, int]:
    async with world.store.read() as session:
        return {view.meter_id: view.minted_wh for view in await ledger_rows.ledgers(session)}
