from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from oracle_bridge import review
from tests.support.bridge_world import World, bridge_world, settle_once


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with bridge_world(tmp_path) as made:
        yield made


async def test_a_reading_is_settled_and_marked_minted(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=400)
    await world.accept("M1", sequence=2, generation_wh=1_000)

    still_open = await settle_once(world.bridge())

    assert still_open == 0
    assert world.chain.books["M1"].settled_wh == 1_000
    readings = await world.readings("M1")
    assert [(row.minted, row.mint_tx_signature) for row in readings] == [(True, world.chain.order[0])] * 2
    assert (await world.work_of("M1")).state == "idle"
    (row,) = await world.outbox()
    assert (row.status, row.signature, row.compute_units) == ("landed", world.chain.order[0], 40_000)


async def test_readings_of_many_meters_share_transactions(world: World):
    names = [f"M{number:02}" for number in range(12)]
    await world.add_meters(*names)
    for name in names:
        await world.accept(name, sequence=1, generation_wh=100)

    await settle_once(world.bridge())

    rows = await world.outbox()
    assert [row.status for row in rows] == ["landed"] * 3
    assert len({row.salt for row in rows}) == 3
    assert world.chain.settled_wh == 1_200


async def test_a_reading_that_arrives_while_its_meter_is_in_flight_is_settled_next(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    bridge = world.bridge()
    drafted = await bridge.draft(20)
    await world.accept("M1", sequence=2, generation_wh=300)

    second = await bridge.draft(20)
    await bridge.submit(drafted)
    await bridge.follow()

    assert second == []
    assert world.chain.books["M1"].settled_wh == 100
    await settle_once(bridge)
    assert world.chain.books["M1"].settled_wh == 300
    assert all(row.minted for row in await world.readings("M1"))


async def test_what_does_not_fit_into_a_round_stays_due(world: World):
    names = [f"M{number:02}" for number in range(12)]
    await world.add_meters(*names)
    for name in names:
        await world.accept(name, sequence=1, generation_wh=100)

    drafted = await world.bridge().draft(1)

    assert len(drafted) == 1
    states = [(await world.work_of(name)).state for name in names]
    assert sorted(states) == ["due"] * 7 + ["leased"] * 5


async def test_a_lost_transaction_is_sent_again_with_the_same_bytes(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["lost"]
    bridge = world.bridge()

    assert await settle_once(bridge) == 1
    world.clock.pass_s(3)
    await bridge.follow()
    await bridge.follow()

    assert len(world.chain.sent) == 2
    assert len(set(world.chain.sent)) == 1
    assert [row.status for row in await world.outbox()] == ["landed"]
    assert world.chain.books["M1"].mints == 1


async def test_a_node_that_is_away_gets_the_signed_bytes_later(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["away"]
    bridge = world.bridge()

    await settle_once(bridge)
    (row,) = await world.outbox()
    assert row.status in {"signed", "sent"}
    await bridge.follow()

    assert [row.status for row in await world.outbox()] == ["landed"]


async def test_an_expired_transaction_is_signed_anew_only_after_a_look_into_history(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["lost"]
    bridge = world.bridge()
    await settle_once(bridge)
    world.chain.faults = ["lost"] * 100
    world.clock.pass_s(3_600)
    await bridge.follow()
    assert [row.status for row in await world.outbox()] == ["sent"]

    world.chain.advance(151)
    world.chain.faults = []
    world.clock.pass_s(3)
    await bridge.follow()

    assert [row.status for row in await world.outbox()] == ["expired"]
    assert (await world.work_of("M1")).attempts == 1
    world.clock.pass_s(2)
    await settle_once(bridge)
    rows = await world.outbox()
    assert [row.status for row in rows] == ["expired", "landed"]
    assert rows[0].signature != rows[1].signature
    assert world.chain.books["M1"].mints == 1


async def test_a_transaction_that_landed_unheard_and_left_the_cache_is_found_in_history(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["unheard"]
    world.chain.recent_forgotten = True
    bridge = world.bridge()
    await settle_once(bridge)

    world.chain.advance(151)
    world.clock.pass_s(3)
    await bridge.follow()

    assert [row.status for row in await world.outbox()] == ["landed"]
    assert world.chain.books["M1"].mints == 1
    assert (await world.work_of("M1")).state == "idle"


async def test_a_poisoned_meter_does_not_stop_its_batch(world: World):
    names = ["GOOD-1", "GOOD-2", "POISON"]
    await world.add_meters(*names)
    for name in names:
        await world.accept(name, sequence=1, generation_wh=100)
    world.chain.poisoned = {"POISON"}
    bridge = world.bridge()

    await settle_once(bridge)
    world.clock.pass_s(2)
    await settle_once(bridge)

    assert {name: book.settled_wh for name, book in world.chain.books.items()} == {"GOOD-1": 100, "GOOD-2": 100}
    assert (await world.work_of("GOOD-1")).attempts == 0
    assert (await world.work_of("POISON")).attempts == 2


async def test_ten_failures_end_in_manual_review_and_an_operator_can_retry(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.poisoned = {"M1"}
    bridge = world.bridge()

    for _ in range(12):
        await settle_once(bridge)
        world.clock.pass_s(301)

    (entry,) = await review.list_reviews(world.store)
    assert (entry.meter_id, entry.attempts) == ("M1", 10)
    assert entry.last_error is not None
    assert "WrongKey" in entry.last_error or "6043" in entry.last_error
    assert len(await world.outbox()) == 10
    await world.accept("M1", sequence=2, generation_wh=200)
    assert (await world.work_of("M1")).state == "review"

    world.chain.poisoned = set()
    assert await review.retry(world.store, world.clock, ["M1", "UNKNOWN"]) == ["M1"]
    await settle_once(bridge)

    assert world.chain.books["M1"].settled_wh == 200
    assert await review.list_reviews(world.store) == []


async def test_a_meter_that_the_chain_refuses_inside_a_landed_batch_fails_alone(world: World):
    await world.add_meters("GOOD", "OVER")
    for name in ("GOOD", "OVER"):
        await world.accept(name, sequence=1, generation_wh=100)
    world.chain.results = {"OVER": 7}

    await settle_once(world.bridge())

    assert (await world.work_of("GOOD")).state == "idle"
    over = await world.work_of("OVER")
    assert (over.state, over.attempts, over.last_error) == ("due", 1, "refused: over_budget")
    assert not (await world.readings("OVER"))[0].minted


async def test_a_pause_or_an_empty_payer_counts_against_nobody(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.refuse = [{"InstructionError": [3, {"Custom": 6012}]}, "InsufficientFundsForFee"]
    bridge = world.bridge()

    for _ in range(2):
        await settle_once(bridge)
        assert (await world.work_of("M1")).attempts == 0
        world.clock.pass_s(31)
    await settle_once(bridge)

    assert world.chain.books["M1"].settled_wh == 100


async def test_a_node_that_does_not_know_the_blockhash_yet_is_asked_again(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.refuse = ["BlockhashNotFound"]
    bridge = world.bridge()

    assert await settle_once(bridge) == 1
    world.clock.pass_s(3)
    await bridge.follow()
    await bridge.follow()

    assert [row.status for row in await world.outbox()] == ["landed"]


async def test_the_minimum_interval_lets_registers_accumulate(world: World):
    world.settings = world.settings.model_copy(update={"min_settlement_interval_s": 60})
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    bridge = world.bridge()
    drafted = await bridge.draft(20)
    await world.accept("M1", sequence=2, generation_wh=200)
    await bridge.submit(drafted)
    await bridge.follow()

    assert await bridge.draft(20) == []
    world.clock.pass_s(60)
    await settle_once(bridge)

    assert world.chain.books["M1"].settled_wh == 200
