"""The work list, the outbox and the ledgers, on SQLite and PostgreSQL alike."""

import asyncio

import pytest

from core.store import Store, ledger_rows, outbox, work
from core.store.ledger_rows import Event, Landed, LedgerChange
from core.store.outbox import Item
from core.store.work import Target
from tests.support.bridge_world import World, settle_once


@pytest.fixture
def world(any_store: Store) -> World:
    return World(store=any_store)


async def test_settlement_works_on_either_database(world: World):
    await world.add_meters("M1", "M2")
    for sequence in (1, 2):
        for name in ("M1", "M2"):
            await world.accept(name, sequence=sequence, generation_wh=100 * sequence)
        await settle_once(world.bridge())

    assert world.chain.settled_wh == 400
    assert [row.minted for row in [*await world.readings("M1"), *await world.readings("M2")]] == [True] * 4
    async with world.store.read() as session:
        views = await ledger_rows.ledgers(session)
        totals = await outbox.totals(session)
        assert await ledger_rows.moved_in_all(session) == (400, 0)
    assert [(view.meter_id, view.minted_wh, view.sequence) for view in views] == [("M1", 200, 2), ("M2", 200, 2)]
    assert (totals.transactions("landed"), totals.items("landed"), totals.compute_units("landed")) == (2, 4, 80_000)


async def test_two_bridges_never_take_the_same_meter(world: World):
    names = [f"M{number:02}" for number in range(40)]
    await world.add_meters(*names)
    for name in names:
        await world.accept(name, sequence=1, generation_wh=100)
    bridges = [world.bridge(owner=f"bridge-{number}") for number in range(3)]

    drafted = await asyncio.gather(*(bridge.draft(20) for bridge in bridges))
    await asyncio.gather(*(bridge.submit(mine) for bridge, mine in zip(bridges, drafted, strict=True)))
    for bridge in bridges:
        await settle_once(bridge)

    taken = [meter.meter_id for mine in drafted for one in mine for meter in one.plan.meters]
    assert len(taken) == len(set(taken))
    assert {name: book.mints for name, book in world.chain.books.items()} == dict.fromkeys(names, 1)


async def test_a_second_bridge_takes_over_what_a_silent_one_left(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["lost"]
    await settle_once(world.bridge(owner="bridge-1"))
    other = world.bridge(owner="bridge-2")

    assert await other.draft(20) == []
    assert await other.keep() == 0
    world.clock.pass_s(121)
    assert await other.keep() == 1
    await other.follow()
    await other.follow()

    assert world.chain.books["M1"].mints == 1
    assert [(row.status, row.owner) for row in await world.outbox()] == [("landed", "bridge-2")]


async def test_a_target_never_moves_back_and_a_lease_is_not_lost_to_new_readings(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=5, generation_wh=500)
    await world.bridge().draft(20)
    async with world.store.begin() as session:
        late = Target(meter_id="M1", sequence=3, ordinal=1)
        await work.want(session, [late], now_ms=world.clock.now_ms(), min_interval_ms=0)

    row = await world.work_of("M1")

    assert (row.state, row.target_sequence) == ("leased", 5)


async def test_a_closed_row_can_not_be_signed_or_closed_again(world: World):
    await world.add_meters("M1")
    item = Item(meter_id="M1", sequence=1, ordinal=1, generation_wh=0, consumption_wh=0)
    async with world.store.begin() as session:
        draft = await outbox.add_draft(session, kind="proven", payer="p", owner="o", items=[item], now_ms=1, lease_ms=9)
        assert await outbox.end(session, draft.id, "refused", owner="o", now_ms=2)
        assert not await outbox.mark_signed(session, draft.id, owner="o", signature="s", wire=b"w", last_valid_block_height=3)
        assert not await outbox.mark_sent(session, draft.id, owner="o", now_ms=3)
        assert not await outbox.end(session, draft.id, "landed", owner="o", now_ms=4)


async def test_ledgers_add_up_in_any_order_and_each_transaction_once(world: World):
    await world.add_meters("M1")
    landed = [
        _landed(f"t{number}", number, LedgerChange(meter_id="M1", sequence=number, moved_wh=moved, is_square=True))
        for number, moved in enumerate((500, -200, 40), start=1)
    ]
    async with world.store.begin() as session:
        written = [await ledger_rows.write_down(session, landed[at]) for at in (2, 0, 1, 0, 2)]
        (view,) = await ledger_rows.ledgers(session)

    assert written == [True, True, True, False, False]
    assert (view.minted_wh, view.burned_wh, view.settled_net_wh, view.sequence) == (540, 200, 340, 3)


async def test_history_accepted_after_its_settlement_is_marked_with_it(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=4, generation_wh=400)
    await settle_once(world.bridge())
    await world.accept("M1", sequence=2, generation_wh=400)

    async with world.store.begin() as session:
        assert await ledger_rows.mark_minted(session) == 1

    late, newest = await world.readings("M1")
    assert (late.minted, late.mint_tx_signature) == (True, newest.mint_tx_signature)


async def test_a_settlement_alone_marks_what_was_credited_before_it_and_nothing_newer(world: World):
    await world.add_meters("M1")
    for sequence in (1, 2):
        await world.accept("M1", sequence=sequence, generation_wh=100 * sequence)
    credited = LedgerChange(meter_id="M1", sequence=1, moved_wh=0, is_square=False)
    newer = LedgerChange(meter_id="M1", sequence=2, moved_wh=0, is_square=False)
    settled = LedgerChange(meter_id="M1", moved_wh=100, is_square=True)
    async with world.store.begin() as session:
        await ledger_rows.write_down(session, _landed("a", 10, credited))
        await ledger_rows.write_down(session, _landed("c", 30, newer))
        await ledger_rows.write_down(session, _landed("b", 20, settled))
    assert [row.minted for row in await world.readings("M1")] == [False, False]

    async with world.store.begin() as session:
        await ledger_rows.write_down(session, _landed("d", 40, settled))

    assert [(row.minted, row.mint_tx_signature) for row in await world.readings("M1")] == [(True, "d")] * 2


def _landed(signature: str, slot: int, change: LedgerChange) -> Landed:
    event = Event(program="registry", name="MeterBalanceSettled", index=0, payload="{}")
    return Landed(signature=signature, slot=slot, at=slot, events=(event,), changes=(change,))
