"""Parts that take a connection and never say a word: `/ready` still answers in time."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Never

from core.runtime.health import Health
from core.runtime.metrics import Metrics
from core.store import Store
from deploy.condition import database_check
from programs.client.rpc import ChainClient

DEADLINE_S = 0.5
AT_MOST_S = 6.0
"""Far below asyncpg's and httpx's own patience, with room for a busy machine."""


@asynccontextmanager
async def black_hole() -> AsyncGenerator[int]:
    """A port on which everything is swallowed."""
    ended = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not ended.is_set() and await reader.read(65_536):
            pass
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        ended.set()
        server.close()


async def test_a_database_and_a_node_that_swallow_everything_are_told_within_the_deadline():
    metrics = Metrics()
    health = Health(timeout_s=DEADLINE_S, metrics=metrics)
    async with black_hole() as port, ChainClient(f"http://127.0.0.1:{port}") as chain:
        store = Store(f"postgresql+asyncpg://somebody:secret@127.0.0.1:{port}/nothing")
        check = database_check(store)
        health.register("database", check, kind="real")
        health.register("chain", lambda: _slot(chain), kind="real", essential=False)
        begun = time.monotonic()

        reports = await health.report()

        assert time.monotonic() - begun < AT_MOST_S
        await store.close()
    assert {name: (part.ok, part.detail) for name, part in reports.items()} == {
        "database": (False, "no answer within 0.5 s"),
        "chain": (False, "no answer within 0.5 s"),
    }
    assert b'gridtokenx_part_up{part="database"} 0.0' in metrics.render()
    assert b"gridtokenx_ready 0.0" in metrics.render()
    assert "secret" not in str(reports)


async def _slot(chain: ChainClient) -> Never:
    await chain.slot()
    raise AssertionError("a black hole does not answer")


async def test_a_part_that_is_not_essential_leaves_the_platform_ready():
    metrics = Metrics()
    health = Health(metrics=metrics)

    async def fails() -> Never:
        raise KeyError

    health.register("payers", fails, essential=False)
    await health.report()

    assert b'gridtokenx_part_up{part="payers"} 0.0' in metrics.render()
    assert b"gridtokenx_ready 1.0" in metrics.render()


async def test_a_crowd_of_callers_costs_a_part_no_more_than_two():
    asked = 0
    health = Health()

    async def counts() -> Never:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        raise KeyError

    health.register("part", counts)
    async with asyncio.TaskGroup() as crowd:
        for number in range(50):
            crowd.create_task(_ask(health), name=f"caller {number}")

    assert asked <= 2


async def _ask(health: Health) -> None:
    await health.report()
