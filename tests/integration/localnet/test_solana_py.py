import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized
from solana.rpc.core import RPCException
from solana.rpc.types import TxOpts
from solders.keypair import Keypair
from solders.rpc.errors import SendTransactionPreflightFailureMessage
from solders.system_program import TransferParams, transfer
from solders.transaction_status import InstructionErrorCustom, TransactionErrorInstructionError

from programs.localnet import Localnet
from tests.integration.localnet.steps import SOL, confirmed, funded, signed


async def test_send_confirm_and_read_back(client: AsyncClient):
    alice, bob = await funded(client), Keypair().pubkey()

    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=bob, lamports=SOL))
    signature = await confirmed(client, [payment], alice)
    await client.confirm_transaction(signature, Finalized, sleep_seconds=0.01)

    assert (await client.get_balance(bob)).value == SOL
    for encoding in ("json", "jsonParsed", "base64"):
        found = (await client.get_transaction(signature, encoding, max_supported_transaction_version=0)).value
        assert found is not None
        assert found.transaction.meta is not None
        assert found.transaction.meta.fee == 5000
        assert found.transaction.meta.post_balances[1] == SOL
    history = (await client.get_signatures_for_address(bob)).value
    assert [line.signature for line in history] == [signature]
    block = (await client.get_block(history[0].slot, max_supported_transaction_version=0)).value
    assert block is not None
    assert len(block.transactions or []) == 1


async def test_a_failing_transaction_raises_with_logs(client: AsyncClient):
    alice = await funded(client)
    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=Keypair().pubkey(), lamports=10**15))
    transaction = await signed(client, [payment], alice)

    with pytest.raises(RPCException) as caught:
        await client.send_transaction(transaction)

    failure = caught.value.args[0]
    assert isinstance(failure, SendTransactionPreflightFailureMessage)
    assert failure.data.err == TransactionErrorInstructionError(0, InstructionErrorCustom(1))
    assert "insufficient lamports" in (failure.data.logs or [""])[1]


async def test_a_transaction_that_fails_on_chain_is_in_history_with_its_error(client: AsyncClient):
    alice = await funded(client)
    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=Keypair().pubkey(), lamports=10**15))
    transaction = await signed(client, [payment], alice)

    signature = (await client.send_transaction(transaction, TxOpts(skip_preflight=True))).value
    status = (await client.confirm_transaction(signature, Confirmed, sleep_seconds=0.01)).value[0]

    assert status is not None
    assert status.err == TransactionErrorInstructionError(0, InstructionErrorCustom(1))
    found = (await client.get_transaction(signature, max_supported_transaction_version=0, commitment=Confirmed)).value
    assert found is not None
    assert found.transaction.meta is not None
    assert found.transaction.meta.err == status.err


async def test_simulation_tells_units_and_logs(client: AsyncClient):
    alice = await funded(client)
    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=Keypair().pubkey(), lamports=SOL))

    value = (await client.simulate_transaction(await signed(client, [payment], alice), sig_verify=True)).value

    assert (value.err, value.units_consumed) == (None, 150)


async def test_questions_that_need_no_account(client: AsyncClient, localnet: Localnet):
    assert await client.is_connected()
    assert bytes((await client.get_genesis_hash()).value) == localnet.chain.identity.genesis_hash
    assert (await client.get_version()).value.solana_core
    assert (await client.get_epoch_info()).value.slots_in_epoch == 432_000
    assert (await client.get_epoch_schedule()).value.warmup is False
    assert (await client.get_minimum_balance_for_rent_exemption(0)).value == 890_880
    assert (await client.get_supply()).value.total > 0
    assert (await client.get_vote_accounts()).value.current == []
    assert len((await client.get_cluster_nodes()).value) == 1
    assert (await client.get_blocks(0, 2)).value[:1] == [0]
    assert (await client.get_first_available_block()).value == 0
    assert (await client.get_inflation_rate()).value.total == 0
    assert (await client.get_recent_performance_samples(1)).value == []
    assert (await client.get_slot_leader()).value == localnet.chain.identity.node
    latest = (await client.get_latest_blockhash(Confirmed)).value
    height = (await client.get_block_height(Confirmed)).value
    assert height <= latest.last_valid_block_height <= height + 150
    message = (await signed(client, [], await funded(client))).message
    assert (await client.get_fee_for_message(message, Confirmed)).value == 5000
