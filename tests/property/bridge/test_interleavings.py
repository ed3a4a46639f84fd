import random
from pathlib import Path

import pytest

from oracle_bridge.indexer import Indexer
from tests.support.bridge_world import World, bridge_world, settle_once
from tests.support.fake_chain import AT

METERS = ("M1", "M2", "M3", "M4")
FAULTS = ("", "", "lost", "unheard", "late", "away")


@pytest.mark.parametrize("seed", range(12))
async def test_any_interleaving_of_faults_restarts_and_time_gives_the_same_ledger(tmp_path: Path, seed: int):
    dice = random.Random(seed)
    async with bridge_world(tmp_path) as world:
        await world.add_meters(*METERS)
        said: dict[str, tuple[int, int]] = dict.fromkeys(METERS, (0, 0))
        bridge = world.bridge()
        for _ in range(60):
            name = dice.choice(METERS)
            match dice.randrange(8):
                case 0 | 1:
                    sequence, generation_wh = said[name][0] + 1, said[name][1] + dice.randrange(500)
                    said[name] = (sequence, generation_wh)
                    await world.accept(name, sequence=sequence, generation_wh=generation_wh)
                case 2:
                    world.chain.faults = [dice.choice(FAULTS) for _ in range(3)]
                    await settle_once(bridge)
                case 3:
                    await bridge.follow()
                case 4:
                    bridge = world.bridge()
                case 5:
                    world.clock.pass_s(dice.randrange(10))
                    world.chain.advance(dice.randrange(100))
                case 6:
                    world.chain.release()
                case _:
                    await _indexer(world).catch_up()

        await _finish(world)

        settled = {name: book.settled_wh for name, book in world.chain.books.items()}
        expected = {name: wh for name, (sequence, wh) in said.items() if sequence}
        assert settled == expected
        for name in expected:
            assert all(row.minted for row in await world.readings(name))
        signatures = [row.signature for row in await world.outbox() if row.signature is not None]
        assert len(signatures) == len(set(signatures))
        landed = {row.signature for row in await world.outbox() if row.status == "landed"}
        assert landed == set(world.chain.order)


async def _finish(world: World) -> None:
    bridge = world.bridge()
    world.chain.faults = []
    for _ in range(14):
        world.clock.pass_s(301)
        world.chain.advance(151)
        await settle_once(bridge)
        await bridge.follow()
    await _indexer(world).catch_up()


def _indexer(world: World) -> Indexer:
    return Indexer(store=world.store, chain=world.chain, at=AT, clock=world.clock, metrics=world.metrics)
