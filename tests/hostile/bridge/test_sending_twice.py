"""Defect 36: a transaction that may have landed is sent again with another signature; an identical retry is taken for
success by its old signature; a blockhash is judged expired by a clock instead of block height."""

from solders.hash import Hash
from solders.keypair import Keypair

from core.store.work import DueMeter
from oracle_bridge.composer import BridgeKeys, SolanaComposer
from oracle_bridge.planner import Plan
from programs.client.addresses import addresses_of
from programs.client.signer import KeypairSigner
from tests.support.bridge_world import World, settle_once


async def test_a_transaction_that_may_have_landed_is_never_signed_anew(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["late"]
    await settle_once(world.bridge())

    for _ in range(5):  # five lives, none of which hears anything
        world.chain.faults = ["lost"] * 10
        world.clock.pass_s(30)
        await settle_once(world.bridge())
    assert len({row.signature for row in await world.outbox()}) == 1
    assert len(set(world.chain.sent)) == 1

    world.chain.release()
    world.clock.pass_s(3)
    await settle_once(world.bridge())
    assert world.chain.books["M1"].mints == 1
    assert [row.status for row in await world.outbox()] == ["landed"]


async def test_a_blockhash_expires_by_block_height_and_by_no_clock(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["late"]
    bridge = world.bridge()
    await settle_once(bridge)

    world.clock.pass_s(86_400)
    world.chain.faults = ["lost"] * 10
    await settle_once(bridge)

    assert [row.status for row in await world.outbox()] == ["sent"]
    world.chain.release()
    await bridge.follow()
    assert world.chain.books["M1"].mints == 1


async def test_a_landing_that_only_history_remembers_stops_a_second_signature(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.faults = ["unheard"]
    world.chain.recent_forgotten = True
    bridge = world.bridge()
    await settle_once(bridge)
    world.chain.advance(1_000)
    world.clock.pass_s(3)

    await settle_once(bridge)
    world.clock.pass_s(300)
    await settle_once(bridge)

    assert [row.status for row in await world.outbox()] == ["landed"]
    assert world.chain.books["M1"].mints == 1


async def test_the_same_content_under_the_same_blockhash_has_another_signature():
    signer = KeypairSigner(Keypair())
    composer = SolanaComposer(at=addresses_of(), keys=BridgeKeys(attesters=(signer,), payers=(signer,), threshold=1), tables={})
    plan = Plan(kind="settle", meters=(_meter(),), lookup_table=None)

    signatures = {
        (await composer.compose(plan, payer=str(signer.pubkey), salt=salt, blockhash=Hash.default())).signature
        for salt in range(50)
    }

    assert len(signatures) == 50


async def test_equal_retries_in_the_outbox_carry_different_salts(world: World):
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    world.chain.poisoned = {"M1"}
    bridge = world.bridge()

    for _ in range(5):
        await settle_once(bridge)
        world.clock.pass_s(301)

    rows = await world.outbox()
    assert len({row.salt for row in rows}) == len({row.signature for row in rows}) == 5


def _meter() -> DueMeter:
    return DueMeter(
        meter_id="M1",
        wallet_address=str(Keypair().pubkey()),
        token_account=str(Keypair().pubkey()),
        zone=1,
        proof_kind=1,
        statement_kind=1,
        sequence=1,
        ordinal=1,
        measured_at=0,
        credited_generation_wh=0,
        credited_consumption_wh=0,
        register_generation_wh=0,
        register_consumption_wh=0,
        statement=b"",
        signature="",
        public_key="",
    )
