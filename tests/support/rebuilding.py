"""A rebuild of a test's platform, as the command makes it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from core.store import Store
from oracle_bridge.rebuild import Rebuild
from programs.client.rpc import ChainClient
from tests.support.lying_node import LyingNode
from tests.support.running_bridge import Running


async def until_final(world: Running) -> None:
    """Wait until all that has happened is final, for a rebuild reads no further."""
    async with (
        ChainClient(world.chain.localnet.rpc_url) as newest,
        ChainClient(world.chain.localnet.rpc_url, commitment="finalized") as final,
    ):
        reached = await newest.slot()
        async with asyncio.timeout(60):
            while await final.slot() < reached:  # noqa: ASYNC110  # a node sets no event
                await asyncio.sleep(0.05)


@asynccontextmanager
async def rebuild_of(world: Running, folder: Path, *, node: LyingNode | None = None) -> AsyncGenerator[Rebuild]:
    """A rebuild whose own database lies in `folder`; `node` may lie to it."""
    scratch = Store(f"sqlite+aiosqlite:///{folder / 'rebuild.db'}")
    try:
        await scratch.migrate()
        async with ChainClient(world.chain.localnet.rpc_url, commitment="finalized", http=node) as chain:
            yield Rebuild(store=world.store, scratch=scratch, chain=chain, at=world.chain.at, clock=world.clock)
    finally:
        await scratch.close()
