"""Leases of two bridges on one database: nobody waits for another, nobody acts on what is not his, silence is taken over."""

import asyncio

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.store import Store, duties, outbox, work
from core.store.outbox import Draft, Item
from core.store.tables.settlement import SettlementWorkRow
from tests.support.bridge_world import World

LEASE_MS = 60_000
ON_POSTGRESQL = pytest.mark.parametrize("any_store", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
"""SQLite has one writer: nothing happens between two of its transactions."""


@pytest.fixture
def world(any_store: Store) -> World:
    return World(store=any_store)


async def test_a_bridge_whose_row_was_taken_over_can_neither_sign_nor_send_nor_close_it(world: World):
    await world.add_meters("M1")
    draft = await _draft(world, owner="silent")
    async with world.store.begin() as session:
        late_ms = LEASE_MS + 2
        assert await outbox.adopt(session, owner="heir", now_ms=late_ms, until_ms=late_ms + LEASE_MS) == 1

    async with world.store.begin() as session:
        signing = outbox.mark_signed(session, draft.id, owner="silent", signature="s", wire=b"w", last_valid_block_height=3)
        assert not await signing
        assert not await outbox.mark_sent(session, draft.id, owner="silent", now_ms=late_ms)
        assert not await outbox.end(session, draft.id, "refused", owner="silent", now_ms=late_ms)
        assert not await outbox.end(session, draft.id, "landed", owner="silent", now_ms=late_ms)

    (row,) = await world.outbox()
    assert (row.status, row.owner) == ("draft", "heir")


async def test_a_row_is_taken_over_only_after_its_lease_and_with_the_leases_of_its_meters(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    (drafted,) = await world.bridge(owner="silent").draft(20)
    until_ms = world.clock.now_ms() + world.settings.lease_s * 1_000
    async with world.store.begin() as session:
        assert await outbox.adopt(session, owner="heir", now_ms=until_ms, until_ms=until_ms + 9) == 0
        assert await outbox.adopt(session, owner="heir", now_ms=until_ms + 1, until_ms=until_ms + 9) == 1

    leased = await world.work_of("M1")
    assert (leased.state, leased.lease_owner, leased.lease_until_ms) == ("leased", "heir", until_ms + 9)
    assert [row.id for row in await world.outbox()] == [drafted.draft.id]


async def test_a_settlement_without_work_behind_it_is_not_taken_from_a_living_bridge(world: World):
    await world.add_meters("M1")
    await _draft(world, owner="alive", kind="settle")

    async with world.store.begin() as session:
        assert await outbox.adopt(session, owner="other", now_ms=LEASE_MS, until_ms=2 * LEASE_MS) == 0


async def test_a_lapsed_lease_without_a_transaction_is_free_again_and_a_running_one_is_not(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    now_ms = world.clock.now_ms()
    async with world.store.begin() as session:
        assert len(await work.lease(session, owner="silent", now_ms=now_ms, lease_ms=LEASE_MS, limit=9)) == 1

    async with world.store.begin() as session:
        running = await work.lease(session, owner="heir", now_ms=now_ms + LEASE_MS, lease_ms=LEASE_MS, limit=9)
        lapsed = await work.lease(session, owner="heir", now_ms=now_ms + LEASE_MS + 1, lease_ms=LEASE_MS, limit=9)

    assert ([meter.meter_id for meter in running], [meter.meter_id for meter in lapsed]) == ([], ["M1"])


@ON_POSTGRESQL
async def test_a_bridge_takes_what_is_free_and_does_not_wait_for_what_another_has_locked(world: World):
    await world.add_meters("M1", "M2")
    for name in ("M1", "M2"):
        await world.accept(name, sequence=1, generation_wh=100)
    now_ms = world.clock.now_ms()

    async with world.store.begin() as slow:
        await slow.exec(update(SettlementWorkRow).where(col(SettlementWorkRow.meter_id) == "M1").values(updated_at_ms=1))
        async with asyncio.timeout(5), world.store.begin() as session:
            taken = await work.lease(session, owner="quick", now_ms=now_ms, lease_ms=LEASE_MS, limit=9)
            busy = await work.locked_elsewhere(session, ["M1", "M2"])

    assert ([meter.meter_id for meter in taken], busy) == (["M2"], {"M1"})


@ON_POSTGRESQL
async def test_a_transaction_that_another_bridge_writes_at_this_moment_keeps_its_meters(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    async with world.store.begin() as sweeping:
        await work.locked_elsewhere(sweeping, ["M1"])
        item = Item(meter_id="M1", sequence=1, ordinal=1, generation_wh=0, consumption_wh=0)
        await outbox.add_draft(sweeping, kind="settle", payer="p", owner="o", items=[item], now_ms=1, lease_ms=9)
        drafting = asyncio.ensure_future(world.bridge().draft(20))
        await asyncio.sleep(0.2)

    assert await drafting == []


async def test_one_bridge_has_a_duty_until_it_falls_silent(any_store: Store):
    async with any_store.begin() as session:
        took = [
            await duties.take(session, duties.AUDIT, owner=owner, now_ms=now_ms, lease_ms=10)
            for owner, now_ms in (("a", 0), ("b", 5), ("a", 9), ("b", 19), ("b", 20), ("a", 21))
        ]
        holders = [await duties.holder(session, duties.AUDIT, now_ms=now_ms) for now_ms in (30, 31)]

    assert took == [True, False, True, False, True, False]
    assert holders == ["b", None]


async def _draft(world: World, *, owner: str, kind: outbox.Kind = "proven") -> Draft:
    item = Item(meter_id="M1", sequence=1, ordinal=1, generation_wh=0, consumption_wh=0)
    async with world.store.begin() as session:
        return await outbox.add_draft(session, kind=kind, payer="p", owner=owner, items=[item], now_ms=1, lease_ms=LEASE_MS)
