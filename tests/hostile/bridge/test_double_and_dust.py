"""Defects 17, 18 and 18b, through both doors and the bridge: the same Wh twice, settled without being minted, dust that
poisons later settlements, a failed mint that marks energy as settled, an unfit account that stops a batch."""

import pytest

from core.domain.units import base_units_from_wh
from programs.client import by_hand
from programs.client.confirmation import send_confirmed
from programs.client.instructions import energy_token, token2022
from programs.client.rpc import TransactionRefused
from programs.client.signer import KeypairSigner
from tests.support.enrolled import verdicts
from tests.support.running_bridge import Running, keypair_of, until_idle


async def test_the_same_wh_is_not_minted_through_two_doors(live: Running):
    device = await live.add_meter("MTR-001", owner="alice")
    client, at, keys = live.chain.client, live.chain.at, live.chain.keys
    async with live.bridge() as bridge:
        intake = live.intake(bridge)
        by_mqtt = await live.say(intake, (device, 1, 7_500, 0))
        by_http = await live.say(intake, (device, 1, 7_500, 0), http=True)
        await until_idle(bridge)
        again = await live.say(intake, (device, 1, 7_500, 0), http=True)
        await until_idle(bridge)

        assert [*verdicts(by_mqtt), *verdicts(by_http), *verdicts(again)] == ["accepted", "repeated", "repeated"]
        with pytest.raises(TransactionRefused, match="NoUnsettledBalance"):
            await by_hand.settle(client, at, "MTR-001", payer=keys.payers[0])
        with pytest.raises(TransactionRefused, match="InsufficientBalance"):
            await by_hand.settle(client, at, "MTR-001", payer=keys.payers[0], owner=KeypairSigner(keypair_of("alice")))

        assert await live.tokens(device) == base_units_from_wh(7_500)
        assert (await bridge.audit({"MTR-001": (7_500, 0)})).failures == []


async def test_a_mint_that_fails_marks_nothing_as_settled(live: Running):
    device = await live.add_meter("MTR-001")
    await _set_minting(live, enabled=False)
    async with live.bridge() as bridge:
        await live.say(live.intake(bridge), (device, 1, 7_500, 0))
        await until_idle(bridge)

        report = await bridge.audit()
        assert (report.failures, report.terms["unsettled"], report.terms["minted"]) == ([], 7_500, 0)
        assert await live.minted_sequences() == []

        await _set_minting(live, enabled=True)
        await bridge.sweep()
        await until_idle(bridge)

        report = await bridge.audit()
        assert (report.failures, report.terms["unsettled"], report.terms["minted"]) == ([], 0, 7_500)
        assert await live.minted_sequences() == [1]
        assert await live.tokens(device) == base_units_from_wh(7_500)


async def test_a_zero_and_a_one_wh_settlement_poison_nothing(live: Running):
    device = await live.add_meter("MTR-001")
    async with live.bridge() as bridge:
        intake = live.intake(bridge)
        for sequence, generation_wh in enumerate((0, 1, 1, 2, 1_000), start=1):
            await live.say(intake, (device, sequence, generation_wh, 0))
            await until_idle(bridge)

        assert await live.tokens(device) == base_units_from_wh(1_000)
        assert await live.minted_sequences() == [1, 2, 3, 4, 5]
        assert (await bridge.audit({"MTR-001": (1_000, 0)})).failures == []


async def test_a_closed_token_account_does_not_stop_its_batch(live: Running):
    good, closed = await live.add_meter("GOOD"), await live.add_meter("CLOSED")
    wallet = KeypairSigner(keypair_of("owner of CLOSED"))
    account = live.chain.at.token_account(wallet.pubkey)
    await send_confirmed(live.chain.client, wallet, [token2022.close_account(account, wallet.pubkey, wallet.pubkey)])
    async with live.bridge() as bridge:
        await live.say(live.intake(bridge), (good, 1, 600, 0), (closed, 1, 900, 0))
        await until_idle(bridge)

        assert await live.tokens(good) == base_units_from_wh(600)
        report = await bridge.audit()
        assert (report.failures, report.terms["unsettled"]) == ([], 900)
        assert await bridge.sweep() == 0  # nobody pays for an account that its owner closed

        await send_confirmed(
            live.chain.client, wallet, [token2022.create_associated(wallet.pubkey, wallet.pubkey, live.chain.at.mint)]
        )
        await bridge.sweep()
        await until_idle(bridge)
        assert await live.tokens(closed) == base_units_from_wh(900)


async def _set_minting(live: Running, *, enabled: bool) -> None:
    keys = live.chain.keys
    instruction = energy_token.set_minting_enabled(live.chain.at, authority=keys.authority.pubkey, enabled=enabled)
    await send_confirmed(live.chain.client, keys.payers[0], [instruction], [keys.authority])
