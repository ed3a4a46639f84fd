"""A rebuild writes all or nothing, goes on where it was interrupted, and never beside a bridge."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from core.domain.errors import Conflict, Unavailable
from core.store import duties
from core.store.tables.chain import ChainEventRow
from oracle_bridge import alone
from oracle_bridge.rebuild import IncompleteHistory
from tests.support.derived_rows import Cells, derived_cells, forget_derived
from tests.support.lying_node import LyingNode
from tests.support.rebuilding import rebuild_of, until_final
from tests.support.running_bridge import Running, running, until_idle


@pytest.fixture
async def settled(tmp_path: Path) -> AsyncGenerator[Running]:
    """A platform at rest with a few settlements behind it."""
    async with running(tmp_path) as made:
        device = await made.add_meter("MTR-001")
        async with made.bridge() as bridge:
            for step in range(1, 4):
                await made.say(made.intake(bridge), (device, step, 1_000 * step, 0))
                await until_idle(bridge)
        await until_final(made)
        yield made


async def a_bridge_renews(world: Running) -> None:
    async with world.store.begin() as session:
        await duties.take(session, duties.INDEXER, owner="bridge-1", now_ms=world.clock.now_ms(), lease_ms=60_000)


async def lost(world: Running) -> Cells:
    """Derived rows are gone; returns what is left of them."""
    await forget_derived(world.store)
    return await derived_cells(world.store)


async def test_it_refuses_while_a_bridge_renews_its_lease(settled: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def renewed(_: float) -> None:
        await a_bridge_renews(settled)

    await a_bridge_renews(settled)
    before = await lost(settled)
    monkeypatch.setattr(alone, "pause", renewed)

    async with rebuild_of(settled, tmp_path) as rebuild:
        with pytest.raises(Conflict, match="bridge-1 is at work on this database: stop it, then repeat"):
            await rebuild.mend()

    assert await derived_cells(settled.store) == before


async def test_a_bridge_that_took_over_before_the_rows_are_written_stops_it(
    settled: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = await lost(settled)

    async def overtaken(_: alone.Alone) -> None:
        await a_bridge_renews(settled)

    monkeypatch.setattr(alone, "LEASE_MS", -1)  # it runs out at once
    monkeypatch.setattr(alone.Alone, "keep", overtaken)
    async with rebuild_of(settled, tmp_path) as rebuild:
        with pytest.raises(Conflict, match="a bridge has begun its work on this database"):
            await rebuild.mend()

    assert await derived_cells(settled.store) == before


async def test_an_interrupted_one_changes_nothing_and_the_next_goes_on_where_it_ended(settled: Running, tmp_path: Path):
    before = await lost(settled)
    told: list[str] = []

    def dies_after_ten(method: str, params: list[Any], result: Any) -> Any:
        if method == "getTransaction":
            told.append(params[0])
        return None if method == "getTransaction" and len(told) > 10 else result

    async with rebuild_of(settled, tmp_path, node=LyingNode(dies_after_ten)) as rebuild:
        with pytest.raises(Unavailable, match=r"lists transaction .* and does not show it"):
            await rebuild.mend()
    assert await derived_cells(settled.store) == before

    honest = LyingNode(lambda _method, _params, result: result)
    async with rebuild_of(settled, tmp_path, node=honest) as rebuild:
        assert (await rebuild.mend()).total > 0
        assert (await rebuild.check()).total == 0


async def test_a_node_that_has_forgotten_the_beginning_changes_nothing(settled: Running, tmp_path: Path):
    before = await lost(settled)

    def pruned(method: str, params: list[Any], result: Any) -> Any:
        return (
            result[:3]
            if method == "getSignaturesForAddress" and "before" not in params[1]
            else []
            if "Signatures" in method
            else result
        )

    async with rebuild_of(settled, tmp_path, node=LyingNode(pruned)) as rebuild:
        with pytest.raises(IncompleteHistory, match="begins after its set-up"):
            await rebuild.mend()

    assert await derived_cells(settled.store) == before


async def test_a_node_that_leaves_a_settlement_out_changes_nothing(settled: Running, tmp_path: Path):
    async with settled.store.read() as session:
        minted = select(ChainEventRow.signature).where(col(ChainEventRow.name) == "TokensMinted")
        settlement = (await session.exec(minted)).all()[0]
    before = await lost(settled)

    def silent(method: str, _params: list[Any], result: Any) -> Any:
        return [row for row in result if row["signature"] != settlement] if method == "getSignaturesForAddress" else result

    async with rebuild_of(settled, tmp_path, node=LyingNode(silent)) as rebuild:
        with pytest.raises(IncompleteHistory, match="does not add up to the account of meter MTR-001"):
            await rebuild.mend()

    assert await derived_cells(settled.store) == before


async def test_a_row_of_a_transaction_newer_than_what_was_read_stops_it(
    settled: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await an_event_of_a_stranger(settled)
    monkeypatch.setattr("oracle_bridge.rebuild.FINALITY_S", 0.05)
    late = LyingNode(lambda method, _params, result: 0 if method == "getSlot" else result)

    async with rebuild_of(settled, tmp_path, node=late) as rebuild:
        with pytest.raises(Conflict, match="newer than what was read: stop the bridge, and repeat"):
            await rebuild.mend()


async def test_a_row_of_a_transaction_that_is_none_of_ours_is_removed(settled: Running, tmp_path: Path):
    before = await derived_cells(settled.store)
    await an_event_of_a_stranger(settled)

    async with rebuild_of(settled, tmp_path) as rebuild:
        found = await rebuild.mend()

    assert (found.total, found.counted["chain_events"]) == (1, 1)
    assert await derived_cells(settled.store) == before


async def an_event_of_a_stranger(world: Running) -> None:
    """A row names a transaction that is on the chain and has nothing to do with our programs."""
    signature = await world.chain.client.airdrop(world.chain.keys.payers[0].pubkey, 1)
    async with asyncio.timeout(20):
        while await world.chain.client.transaction(signature) is None:  # noqa: ASYNC110  # a node sets no event
            await asyncio.sleep(0.05)
    await until_final(world)
    async with world.store.begin() as session:
        session.add(ChainEventRow(signature=signature, event_index=0, slot=1, program="registry", name="Made up", payload="{}"))
