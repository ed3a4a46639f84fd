import asyncio
from typing import Any

import msgspec
import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.websocket_api import connect
from solders.keypair import Keypair
from solders.rpc.config import RpcTransactionLogsFilterMentions
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_raw

from programs.localnet import Localnet
from tests.integration.localnet.steps import SOL, confirmed, funded, signed

SLOT_SLACK = 4


async def ask(socket: ClientConnection, method: str, *params: Any) -> Any:
    await socket.send(msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).decode())
    return msgspec.json.decode(await socket.recv())


async def heard(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return msgspec.json.decode(await socket.recv())


async def test_solana_py_hears_of_accounts_programs_logs_signatures_and_slots(localnet: Localnet, client: AsyncClient):
    alice, bob = await funded(client), Keypair().pubkey()
    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=bob, lamports=SOL))
    transaction = await signed(client, [payment], alice)

    async with connect(localnet.ws_url) as socket:
        await socket.account_subscribe(bob, Confirmed)
        await socket.program_subscribe(transfer_program(), Confirmed, encoding="base64")
        await socket.logs_subscribe(RpcTransactionLogsFilterMentions(bob), Confirmed)
        await socket.signature_subscribe(transaction.signatures[0], Confirmed)
        await socket.slot_subscribe()
        await socket.root_subscribe()
        await client.send_transaction(transaction)
        kinds: set[str] = set()
        async with asyncio.timeout(10):
            while len(kinds) < 6:
                kinds |= {type(message).__name__ for message in await socket.recv()} - {"SubscriptionResult"}

    names = ("Account", "Program", "Logs", "Signature", "Slot", "Root")
    assert kinds == {f"{name}Notification" for name in names}


def transfer_program():
    return transfer(TransferParams(from_pubkey=Keypair().pubkey(), to_pubkey=Keypair().pubkey(), lamports=1)).program_id


@pytest.mark.parametrize("commitment", [Processed, Confirmed, Finalized])
async def test_an_account_is_reported_when_its_slot_reaches_the_commitment(
    localnet: Localnet, client: AsyncClient, commitment: str
):
    alice, bob = await funded(client), Keypair().pubkey()
    async with connect_raw(localnet.ws_url) as socket:
        await ask(socket, "accountSubscribe", str(bob), {"encoding": "base64", "commitment": commitment})
        await confirmed(client, [transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=bob, lamports=SOL))], alice)

        result = (await heard(socket))["params"]["result"]

    assert result["value"]["lamports"] == SOL
    assert result["context"]["slot"] <= localnet.chain.slot(localnet.chain.commitment_of(result["context"]["slot"]))


async def test_a_signature_that_already_landed_is_reported_at_once_and_once(localnet: Localnet, client: AsyncClient):
    alice = await funded(client)
    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=Keypair().pubkey(), lamports=SOL))
    signature = await confirmed(client, [payment], alice)

    async with connect_raw(localnet.ws_url) as socket:
        subscription = (await ask(socket, "signatureSubscribe", str(signature), {"commitment": "confirmed"}))["result"]
        note = await heard(socket)
        gone = await ask(socket, "signatureUnsubscribe", subscription)

    assert note["method"] == "signatureNotification"
    assert note["params"]["result"]["value"] == {"err": None}
    assert gone["error"]["code"] == -32602


async def test_a_signature_is_reported_as_received_and_then_as_final(localnet: Localnet, client: AsyncClient):
    alice = await funded(client)
    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=Keypair().pubkey(), lamports=SOL))
    transaction = await signed(client, [payment], alice)
    options = {"commitment": "finalized", "enableReceivedNotification": True}

    async with connect_raw(localnet.ws_url) as socket:
        await ask(socket, "signatureSubscribe", str(transaction.signatures[0]), options)
        await client.send_transaction(transaction)
        received, final = await heard(socket), await heard(socket)

    assert received["params"]["result"]["value"] == "receivedSignature"
    assert final["params"]["result"]["value"] == {"err": None}


async def test_unsubscribing_ends_the_notifications(localnet: Localnet):
    async with connect_raw(localnet.ws_url) as socket:
        subscription = (await ask(socket, "slotSubscribe"))["result"]
        assert (await heard(socket))["method"] == "slotNotification"
        await socket.send(f'{{"jsonrpc":"2.0","id":2,"method":"slotUnsubscribe","params":[{subscription}]}}')
        while "result" not in (answer := await heard(socket)):
            pass

        assert answer["result"] is True
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.1)


async def test_subscriptions_work_on_the_rpc_port_too_and_reads_on_either(localnet: Localnet):
    async with connect_raw(localnet.rpc_url.replace("http", "ws")) as socket:
        assert (await ask(socket, "getHealth"))["result"] == "ok"
        assert (await ask(socket, "slotSubscribe"))["result"] > 0


async def test_a_closed_account_is_reported_empty(localnet: Localnet, client: AsyncClient):
    alice, bob = await funded(client), await funded(client, SOL)
    everything = transfer(TransferParams(from_pubkey=bob.pubkey(), to_pubkey=alice.pubkey(), lamports=SOL))

    async with connect_raw(localnet.ws_url) as socket:
        await ask(socket, "accountSubscribe", str(bob.pubkey()), {"encoding": "base64", "commitment": "confirmed"})
        await confirmed(client, [everything], alice, bob)

        assert (await heard(socket))["params"]["result"]["value"]["lamports"] == 0


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("accountSubscribe", ["oil"]),
        ("logsSubscribe", ["some"]),
        ("logsSubscribe", [{"mentions": []}]),
        ("signatureSubscribe", [str(Signature.default())[:5]]),
        ("programSubscribe", []),
        ("slotUnsubscribe", [99]),
    ],
)
async def test_a_wrong_subscription_gets_a_reason(localnet: Localnet, method: str, params: list[Any]):
    async with connect_raw(localnet.ws_url) as socket:
        assert (await ask(socket, method, *params))["error"]["code"] == -32602


async def test_one_connection_holds_a_bounded_number_of_subscriptions(localnet: Localnet):
    async with connect_raw(localnet.ws_url) as socket:
        batch = [{"jsonrpc": "2.0", "id": n, "method": "rootSubscribe"} for n in range(1000)]
        for _ in range(2):
            await socket.send(msgspec.json.encode(batch).decode())
        answers = [answer for _ in range(2) for answer in await _batch(socket)]

    assert sum("error" in answer for answer in answers) == 2000 - 1024


async def _batch(socket: ClientConnection) -> list[dict[str, Any]]:
    while not isinstance(message := msgspec.json.decode(await socket.recv()), list):
        pass
    return message
