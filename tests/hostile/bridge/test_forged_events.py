"""Defect 38: events are read from forged or truncated logs, from failed transactions, or from another program with the same
discriminator."""

from base64 import b64encode
from dataclasses import replace

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from core.store import ledger_rows
from oracle_bridge.effects import effects_of
from oracle_bridge.indexer import Indexer
from programs.client.confirmation import send_confirmed
from programs.client.events.registry import BalanceSettled, MeterBalanceSettled
from programs.client.ids import PROGRAM_IDS
from programs.client.instructions import registry, system
from programs.client.instructions.registry import MeterAccounts
from programs.client.rpc import InnerInstruction
from tests.support.bridge_world import World
from tests.support.fake_chain import AT, OWNER, event_call, transaction_with
from tests.support.running_bridge import Running, until_idle

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
STRANGER = Pubkey.from_bytes(bytes([9]) * 32)
FORGED = [BalanceSettled("M1", OWNER, 5_000, 0, 5_000, 5_000, 1)]


def _genuine() -> InnerInstruction:
    return event_call("registry", MeterBalanceSettled(0), FORGED)


async def test_another_program_with_our_discriminator_says_nothing(world: World):
    await world.add_meters("M1")
    call = replace(_genuine(), program=STRANGER)
    world.chain.land_foreign(transaction_with("forged-1", 1_001, [call]))

    assert await _indexer(world).catch_up() == 0
    assert await _ledger(world) == (0, 0)


async def test_our_program_called_by_another_without_the_event_authority_says_nothing(world: World):
    await world.add_meters("M1")
    world.chain.land_foreign(transaction_with("forged-2", 1_001, [replace(_genuine(), accounts=(STRANGER,))]))
    world.chain.land_foreign(transaction_with("forged-3", 1_002, [replace(_genuine(), accounts=())]))

    assert await _indexer(world).catch_up() == 0
    assert await _ledger(world) == (0, 0)


async def test_a_failed_transaction_says_nothing(world: World):
    await world.add_meters("M1")
    failed = transaction_with("failed", 1_001, [_genuine()], err="InstructionError")
    world.chain.land_foreign(failed)

    assert await _indexer(world).catch_up() == 0
    assert await _ledger(world) == (0, 0)
    assert effects_of(failed, PROGRAM_IDS).landed.events == ()


async def test_a_forged_log_line_says_nothing(world: World):
    await world.add_meters("M1")
    line = "Program data: " + b64encode(_genuine().data[8:]).decode()
    world.chain.land_foreign(transaction_with("logs", 1_001, [], logs=(f"Program {AT.registry.id} invoke [1]", line)))

    assert await _indexer(world).catch_up() == 0
    assert await _ledger(world) == (0, 0)


async def test_the_same_transaction_told_twice_counts_once(world: World):
    await world.add_meters("M1")
    world.chain.land_foreign(transaction_with("once", 1_001, [_genuine()]))

    assert [await _indexer(world).catch_up() for _ in range(3)] == [1, 0, 0]
    async with world.store.begin() as session:
        await ledger_rows.set_cursor(session, ledger_rows.Cursor(program="registry", signature="forgotten", slot=1_002))
    assert await _indexer(world).catch_up() == 0

    assert await _ledger(world) == (5_000, 0)


async def test_a_settlement_buried_under_memos_is_still_read(live: Running):
    solar = await live.add_meter("SOLAR", owner="alice")
    house = await live.add_meter("HOUSE", owner="alice")
    client, at = live.chain.client, live.chain.at
    async with live.bridge() as bridge:
        intake = live.intake(bridge)
        await live.say(intake, (house, 1, 0, 400))
        await until_idle(bridge)
        await live.say(intake, (solar, 1, 1_000, 0))
        await until_idle(bridge)
        owner = Pubkey.from_string(house.wallet)
        crank = registry.settle_meter_balance(
            at, zones=[at.zone(1)], meters=[MeterAccounts(at.meter("HOUSE"), at.token_account(owner))]
        )
        memos = [Instruction(MEMO, b"m", []) for _ in range(45)]

        signature = await send_confirmed(client, live.chain.keys.payers[0], [*memos, crank])
        landed = await client.transaction(signature)
        await bridge.indexer.catch_up()

        assert landed is not None
        assert landed.logs[-1] == "Log truncated"
        report = await bridge.audit()
        assert (report.failures, report.terms["burned"], report.terms["owed"]) == ([], 400, 0)


async def test_a_strangers_transaction_that_names_our_program_is_harmless(live: Running):
    client, payer = live.chain.client, live.chain.keys.payers[0]
    transfer = system.transfer(payer.pubkey, Keypair().pubkey(), 1_000_000)
    named = AccountMeta(live.chain.at.registry.id, is_signer=False, is_writable=False)
    forged = Instruction(MEMO, b"Program data: " + b64encode(_genuine().data[8:]), [])
    await send_confirmed(
        client, payer, [Instruction(transfer.program_id, bytes(transfer.data), [*transfer.accounts, named]), forged]
    )

    bridge = live.new_bridge()
    await bridge.indexer.catch_up()

    report = await bridge.audit()
    assert (report.failures, report.terms["minted_base_units"]) == ([], 0)


def _indexer(world: World) -> Indexer:
    return Indexer(store=world.store, chain=world.chain, at=AT, clock=world.clock, metrics=world.metrics)


async def _ledger(world: World) -> tuple[int, int]:
    async with world.store.read() as session:
        (view,) = await ledger_rows.ledgers(session)
    return view.minted_wh, view.burned_wh
