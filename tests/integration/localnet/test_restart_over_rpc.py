from pathlib import Path

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solana.rpc.core import RPCException
from solana.rpc.types import TxOpts
from solders.keypair import Keypair
from solders.system_program import TransferParams, transfer

from programs.localnet import Localnet
from tests.integration.localnet.steps import SOL, fast, funded, signed


async def test_a_client_finds_everything_after_a_restart_and_cannot_pay_twice(tmp_path: Path):
    async with Localnet(fast(tmp_path)) as first, AsyncClient(first.rpc_url, Confirmed) as client:
        genesis = (await client.get_genesis_hash()).value
        alice, bob = await funded(client), Keypair().pubkey()
        payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=bob, lamports=SOL))
        transaction = await signed(client, [payment], alice)
        signature = (await client.send_transaction(transaction, TxOpts(preflight_commitment=Confirmed))).value

    async with Localnet(fast(tmp_path)) as second, AsyncClient(second.rpc_url, Confirmed) as client:
        with pytest.raises(RPCException, match="already been processed"):
            await client.send_transaction(transaction)
        await client.send_transaction(transaction, TxOpts(skip_preflight=True))
        found = (await client.get_transaction(signature, max_supported_transaction_version=0, commitment=Confirmed)).value

        assert (await client.get_genesis_hash()).value == genesis
        assert (await client.get_balance(bob)).value == SOL
        assert found is not None
        assert [line.signature for line in (await client.get_signatures_for_address(bob)).value] == [signature]
