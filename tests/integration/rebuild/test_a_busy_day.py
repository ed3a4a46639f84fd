"""The demo's day with its faults: rows that were lost come back as the bridge wrote them, in every column."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.runtime.clock import SystemClock
from core.runtime.settings import Settings
from core.store import Store
from deploy.chain import embedded_chain
from deploy.database import database_of
from deploy.demo.options import DemoOptions
from deploy.demo.run import live_a_day
from deploy.keys import KeyFolder
from deploy.platform import Platform
from oracle_bridge.rebuild import Rebuild
from programs.client.addresses import addresses_of
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient
from tests.support.derived_rows import derived_cells, forget_derived
from tests.support.platform import settings_in

DAY = DemoOptions(meters=12, hours=8, seed=11)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A platform's, over either database."""
    if request.param == "sqlite":
        return settings_in(tmp_path)
    return settings_in(tmp_path, database={"url": request.getfixturevalue("postgres_server").new_database()})


@asynccontextmanager
async def afterwards(settings: Settings, folder: Path) -> AsyncGenerator[tuple[Store, Rebuild]]:
    """The day's database and a rebuild of it: its chain is up, its bridge is not."""
    store, scratch, clock = database_of(settings), Store(f"sqlite+aiosqlite:///{folder / 'scratch.db'}"), SystemClock()
    chain = embedded_chain(settings.data_dir / "chain", settings.chain, KeyFolder(path=settings.keys_dir), clock)
    await chain.start()
    try:
        await scratch.migrate()
        async with ChainClient(chain.rpc_url, commitment="finalized") as client:
            yield store, Rebuild(store=store, scratch=scratch, chain=client, at=addresses_of(PROGRAM_IDS), clock=clock)
    finally:
        await chain.stop()
        await asyncio.gather(store.close(), scratch.close())


async def test_a_busy_day_is_written_again_as_it_was(settings: Settings, tmp_path: Path):
    async with Platform(settings) as platform:
        lived = await live_a_day(platform, DAY, lambda _stage, _share: None)
        assert list(lived.still_waiting) == []

    async with afterwards(settings, tmp_path) as (store, rebuild):
        before = await derived_cells(store)
        assert [str(one) for one in (await rebuild.check()).named] == []

        await forget_derived(store)
        found = await rebuild.mend()

        assert found.total > 0
        assert await derived_cells(store) == before
        assert sum(column == "minted" and value for (_, _, column), value in before.items()) > 300
