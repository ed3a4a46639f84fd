"""The whole client against the embedded chain over its JSON-RPC."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from core.domain.errors import Conflict, NotFound
from core.domain.readings import ProofKind, StatementKind
from core.runtime.clock import SystemClock
from programs.client import by_hand, enrolment, errors
from programs.client.accounts import MeterAccount, OracleConfig
from programs.client.bootstrap import Rules, ZoneDefaults, ensure_balance, initialise
from programs.client.by_hand import MeterPlate
from programs.client.confirmation import send_confirmed
from programs.client.events import decode_transaction_events
from programs.client.instructions import lookup_table, system
from programs.client.rpc import ChainClient, TransactionRefused
from programs.client.signer import KeypairSigner
from programs.client.subscribe import Gap, LogNotice, Subscriptions
from programs.localnet.config import LocalnetConfig
from programs.localnet.localnet import Localnet
from tests.support.deployed import SOL, Deployed, authority_keys, deployed

WH = 1_000_000


@pytest.fixture
async def chain() -> AsyncIterator[Deployed]:
    async with deployed() as running:
        yield running


async def _owner(chain: Deployed) -> KeypairSigner:
    owner = KeypairSigner(Keypair())
    await ensure_balance(chain.client, owner.pubkey, SOL)
    await enrolment.register_user(chain.client, chain.at, wallet=owner)
    await enrolment.verify_user(
        chain.client, chain.at, payer=chain.keys.payers[0], authority=chain.keys.authority, wallet=owner.pubkey, zone=1
    )
    return owner


async def _meter(chain: Deployed, plate: MeterPlate) -> tuple[Keypair, KeypairSigner]:
    device, owner = Keypair(), await _owner(chain)
    await by_hand.register_meter(
        chain.client,
        chain.at,
        plate,
        device=device,
        owner=owner,
        provisioner=chain.keys.provisioner,
        payer=chain.keys.payers[0],
        measured_at=SystemClock().now() - 86_400,
    )
    return device, owner


@pytest.mark.parametrize(
    ("kind", "proof"),
    [
        (StatementKind.REGISTER, ProofKind.DEVICE),
        (StatementKind.REGISTER, ProofKind.ATTESTED),
        (StatementKind.INTERVAL, ProofKind.ATTESTED),
    ],
)
async def test_a_meter_is_registered_read_settled_and_shown_by_hand(chain: Deployed, kind: StatementKind, proof: ProofKind):
    await initialise(chain.client, chain.keys)
    device, owner = await _meter(chain, MeterPlate(meter_id="MTR-001", statement_kind=kind, proof=proof))
    now = SystemClock().now()

    for moment, production, consumption in ((now - 900, 25_000, 10_000), (now, 0, 4_000)):
        signature = await by_hand.submit_reading(
            chain.client,
            chain.at,
            "MTR-001",
            production_wh=production,
            consumption_wh=consumption,
            device=device,
            attesters=chain.keys.attesters,
            measured_at=moment,
        )

    view = await by_hand.show(chain.client, chain.at, "MTR-001")
    assert view.meter.owner == owner.pubkey
    assert view.owner_base_units == view.supply_base_units == 11_000 * WH
    assert (view.meter.minted_wh, view.meter.burned_wh) == (15_000, 4_000)
    landed = await chain.client.transaction(signature)
    assert landed is not None
    events = decode_transaction_events(landed)
    assert [event.name for event in events] == ["TokensBurned", "MeterBalanceSettled", "MeterReadingAccepted"]
    settled = events[1].fields["items"]
    assert (settled[0]["meter_id"], settled[0]["amount_settled"]) == ("MTR-001", -4_000)


async def test_a_reading_that_the_programs_refuse_is_named(chain: Deployed):
    await initialise(chain.client, chain.keys)
    device, owner = await _meter(chain, MeterPlate(meter_id="MTR-001", rated_power_out_w=1_000))

    with pytest.raises(TransactionRefused) as caught:
        await by_hand.submit_reading(
            chain.client,
            chain.at,
            "MTR-001",
            production_wh=1_000_000,
            consumption_wh=0,
            device=device,
            attesters=chain.keys.attesters,
            measured_at=SystemClock().now(),
        )

    assert caught.value.name == "OverBudget"
    assert "registry refused with OverBudget" in errors.explain(caught.value.err, logs=caught.value.logs)
    with pytest.raises(TransactionRefused) as nothing:
        await by_hand.settle(chain.client, chain.at, "MTR-001", payer=chain.keys.payers[0], owner=owner)
    assert nothing.value.name == "InsufficientBalance"
    with pytest.raises(TransactionRefused) as crank:
        await by_hand.settle(chain.client, chain.at, "MTR-001", payer=chain.keys.payers[0])
    assert crank.value.name == "NoUnsettledBalance"


async def test_setting_up_twice_changes_nothing_and_later_keys_are_adopted(chain: Deployed):
    await initialise(chain.client, chain.keys)
    before = await chain.client.accounts([chain.at.registry.config, chain.at.oracle.config, chain.at.zone(1)])
    await initialise(chain.client, chain.keys)
    assert await chain.client.accounts([chain.at.registry.config, chain.at.oracle.config, chain.at.zone(1)]) == before

    more = authority_keys(attesters=3)
    keys = type(more)(
        upgrade=chain.keys.upgrade,
        authority=chain.keys.authority,
        auditor=chain.keys.auditor,
        provisioner=more.provisioner,
        attesters=more.attesters,
        payers=chain.keys.payers,
    )
    await initialise(chain.client, keys, rules=Rules(threshold=2), zones=(ZoneDefaults(), ZoneDefaults(zone=2)))

    account = await chain.client.account(chain.at.oracle.config)
    assert account is not None
    config = OracleConfig.decode(account.data)
    assert (config.attester_count, config.threshold) == (3, 2)
    assert await chain.client.account(chain.at.zone(2)) is not None


async def test_another_auditor_does_not_come_in_by_setting_up_again(chain: Deployed):
    await initialise(chain.client, chain.keys)
    other = dataclasses.replace(chain.keys, auditor=authority_keys().auditor)
    with pytest.raises(Conflict, match="both auditors sign"):
        await initialise(chain.client, other)


async def test_another_authority_does_not_take_a_deployment_over(chain: Deployed):
    await initialise(chain.client, chain.keys)
    stranger = authority_keys()
    await ensure_balance(chain.client, stranger.payers[0].pubkey, SOL)
    with pytest.raises(Conflict, match="obeys"):
        await initialise(chain.client, stranger)


async def test_only_the_upgrade_authority_initialises(chain: Deployed):
    stranger = authority_keys()
    await ensure_balance(chain.client, stranger.payers[0].pubkey, SOL)
    with pytest.raises(TransactionRefused) as caught:
        await initialise(chain.client, stranger)
    assert caught.value.name == "NotUpgradeAuthority"
    assert await chain.client.account(chain.at.energy_token.config) is None


async def test_a_meter_that_does_not_exist_is_not_found(chain: Deployed):
    with pytest.raises(NotFound):
        await by_hand.show(chain.client, chain.at, "MTR-404")


async def test_meters_are_found_by_their_type_and_owner(chain: Deployed):
    await initialise(chain.client, chain.keys)
    _, owner = await _meter(chain, MeterPlate(meter_id="MTR-001"))
    await _meter(chain, MeterPlate(meter_id="MTR-002"))

    rows = await chain.client.program_accounts(chain.at.ids.registry, [(0, MeterAccount.tag)], data_size=MeterAccount.size)
    mine = await chain.client.program_accounts(chain.at.ids.registry, [(0, MeterAccount.tag), (24, bytes(owner.pubkey))])

    assert {MeterAccount.decode(account.data).meter_id for _, account in rows} == {"MTR-001", "MTR-002"}
    assert [key for key, _ in mine] == [chain.at.meter("MTR-001")]


async def test_a_meter_id_of_another_owner_is_a_conflict(chain: Deployed):
    await initialise(chain.client, chain.keys)
    await _meter(chain, MeterPlate(meter_id="MTR-001"))
    with pytest.raises(Conflict):
        await _meter(chain, MeterPlate(meter_id="MTR-001"))


async def test_a_lookup_table_is_made_and_read(chain: Deployed):
    payer = chain.keys.payers[0]
    addresses = [Pubkey.new_unique() for _ in range(30)]
    create, table = lookup_table.create(payer.pubkey, payer.pubkey, await chain.client.slot("finalized"))
    await send_confirmed(chain.client, payer, [create])
    for start in range(0, len(addresses), lookup_table.MAX_ADDRESSES_AN_EXTENSION):
        part = addresses[start : start + lookup_table.MAX_ADDRESSES_AN_EXTENSION]
        await send_confirmed(chain.client, payer, [lookup_table.extend(table, payer.pubkey, payer.pubkey, part)])

    account = await chain.client.account(table)

    assert account is not None
    assert lookup_table.decode(table, account.data).addresses == addresses


async def test_history_and_statuses_follow_a_transaction(chain: Deployed):
    payer, other = chain.keys.payers[0], Pubkey.new_unique()
    signature = await send_confirmed(chain.client, payer, [system.transfer(payer.pubkey, other, SOL)])

    assert [row.signature for row in await chain.client.signatures_for(other)] == [signature]
    known, unknown = await chain.client.statuses([signature, "1" * 64], search_history=True)
    assert known is not None
    assert known.is_confirmed
    assert unknown is None
    landed = await chain.client.transaction(signature)
    assert landed is not None
    assert landed.fee == 5_000
    assert await chain.client.balance(other) == SOL
    assert await chain.client.transaction("1" * 64) is None


async def test_subscriptions_tell_of_a_transaction(chain: Deployed):
    payer, other = chain.keys.payers[0], Pubkey.new_unique()
    subscriptions = Subscriptions(chain.localnet.ws_url)
    heard = subscriptions.logs(other)
    assert isinstance(await asyncio.wait_for(anext(heard), 5), Gap)

    signature = await send_confirmed(chain.client, payer, [system.transfer(payer.pubkey, other, SOL)])
    notice = await asyncio.wait_for(anext(heard), 5)

    assert isinstance(notice, LogNotice)
    assert (notice.signature, notice.err) == (signature, None)
    assert await subscriptions.signature(signature, timeout_s=5) is None
    await heard.aclose()


async def test_a_subscription_comes_back_after_the_node_and_says_so(tmp_path: Path):
    async with deployed(data_dir=tmp_path) as chain:
        heard = Subscriptions(chain.localnet.ws_url).slots()
        assert isinstance(await asyncio.wait_for(anext(heard), 5), Gap)
        assert isinstance(await asyncio.wait_for(anext(heard), 5), int)

        await chain.localnet.stop()
        await chain.localnet.start()

        async with asyncio.timeout(10):
            while not isinstance(await anext(heard), Gap):
                continue
        assert isinstance(await asyncio.wait_for(anext(heard), 5), int)
        await heard.aclose()


async def test_a_deployment_of_another_chain_is_not_taken_for_this_ones(chain: Deployed, monkeypatch: pytest.MonkeyPatch):
    await initialise(chain.client, chain.keys)

    async def another(_: ChainClient) -> bytes:
        return bytes(32)

    monkeypatch.setattr(ChainClient, "genesis_hash", another)
    with pytest.raises(Conflict, match="another genesis hash"):
        await initialise(chain.client, chain.keys)


async def test_programs_that_are_not_deployed_are_named():
    keys = authority_keys()
    config = LocalnetConfig(now=SystemClock().now, port=0, slot_ms=20)
    async with Localnet(config) as localnet, ChainClient(localnet.rpc_url) as client:
        with pytest.raises(NotFound, match="the program registry is not deployed"):
            await initialise(client, keys)
