"""A bridge starts, and settles, although something that it can do without cannot be had yet."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from core.domain.errors import Unavailable
from core.store import lookup_tables
from oracle_bridge.lookup_tables import LookupTables
from tests.support.running_bridge import Running, running, until_idle


@pytest.fixture
async def live(tmp_path: Path) -> AsyncGenerator[Running]:
    async with running(tmp_path) as made:
        yield made


async def test_a_bridge_whose_first_lookup_table_expired_starts_settles_and_makes_the_table_later(
    live: Running, monkeypatch: pytest.MonkeyPatch
):
    device = await live.add_meter("MTR-001")
    ensure, failures = LookupTables.ensure, ["the transaction did not land while its blockhash was valid"]

    async def first_in_vain(self: LookupTables) -> None:
        if failures:
            raise Unavailable(failures.pop())
        await ensure(self)

    monkeypatch.setattr(LookupTables, "ensure", first_in_vain)
    async with live.bridge() as bridge:
        await live.say(live.intake(bridge), (device, 1, 1_000, 0))
        await until_idle(bridge)

        assert await live.tokens(device) == 1_000_000_000
        async with asyncio.timeout(20):
            while not await _tables(live):  # noqa: ASYNC110  # the database sets no event
                await asyncio.sleep(0.05)


async def _tables(live: Running) -> list[str]:
    async with live.store.read() as session:
        return await lookup_tables.addresses(session, str(live.chain.keys.payers[0].pubkey))
