import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from solders.hash import Hash
from solders.pubkey import Pubkey

from core.domain.errors import OutcomeUnknown, Unavailable
from programs.client.rpc import ChainClient, RpcRefused, TransactionRefused

KEY = Pubkey.new_unique()


def client(answer: Callable[[dict[str, Any]], httpx.Response]) -> ChainClient:
    transport = httpx.MockTransport(lambda request: answer(json.loads(request.content)))
    return ChainClient("http://node.invalid/?api-key=secret", http=transport)


def result(value: Any) -> Callable[[dict[str, Any]], httpx.Response]:
    return lambda _: httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": value})


def error(code: int, message: str, **rest: Any) -> Callable[[dict[str, Any]], httpx.Response]:
    return lambda _: httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message, **rest}})


def raises(problem: Exception) -> Callable[[dict[str, Any]], httpx.Response]:
    def answer(_: dict[str, Any]) -> httpx.Response:
        raise problem

    return answer


async def test_an_account_comes_with_its_bytes():
    value = {
        "lamports": 5,
        "owner": str(KEY),
        "data": [b64encode(b"abc").decode(), "base64"],
        "executable": False,
        "rentEpoch": 0,
    }
    account = await client(result({"context": {"slot": 1}, "value": value})).account(KEY)
    assert account is not None
    assert (account.lamports, account.owner, account.data) == (5, KEY, b"abc")


async def test_a_missing_account_is_none():
    assert await client(result({"context": {"slot": 1}, "value": None})).account(KEY) is None


async def test_many_accounts_are_asked_a_hundred_at_a_time():
    sizes: list[int] = []

    def answer(request: dict[str, Any]) -> httpx.Response:
        sizes.append(len(request["params"][0]))
        return result({"context": {"slot": 1}, "value": [None] * sizes[-1]})(request)

    assert await client(answer).accounts([KEY] * 250) == [None] * 250
    assert sizes == [100, 100, 50]


async def test_a_preflight_failure_carries_error_and_logs():
    data = {"err": {"InstructionError": [2, {"Custom": 6945}]}, "logs": ["Program log: x"], "accounts": None, "unitsConsumed": 9}
    chain = client(error(-32002, "Transaction simulation failed", data=data))
    with pytest.raises(TransactionRefused) as caught:
        await chain.send(b"wire")
    assert caught.value.err == {"InstructionError": [2, {"Custom": 6945}]}
    assert caught.value.logs == ("Program log: x",)
    assert caught.value.name == "Custom:6945"


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": "text"}, {"data": {"err": 7}}])
async def test_a_preflight_failure_without_usable_data_is_still_a_refusal(data: dict[str, Any]):
    with pytest.raises(TransactionRefused):
        await client(error(-32002, "Blockhash not found", **data)).send(b"wire")


@pytest.mark.parametrize(
    "problem", [httpx.ReadTimeout("slow"), httpx.ReadError("cut"), httpx.WriteError("cut"), httpx.RemoteProtocolError("cut")]
)
async def test_a_lost_answer_to_a_sent_transaction_is_an_unknown_outcome(problem: Exception):
    with pytest.raises(OutcomeUnknown):
        await client(raises(problem)).send(b"wire")


@pytest.mark.parametrize("problem", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("busy")])
async def test_a_transaction_that_never_left_is_unavailable(problem: Exception):
    with pytest.raises(Unavailable):
        await client(raises(problem)).send(b"wire")


async def test_a_garbled_answer_is_unknown_when_sending_and_unavailable_when_reading():
    garbled = client(lambda _: httpx.Response(502, content=b"<html>bad gateway"))
    with pytest.raises(OutcomeUnknown):
        await garbled.send(b"wire")
    with pytest.raises(Unavailable):
        await garbled.slot()


async def test_a_node_that_is_behind_is_unavailable_even_when_sending():
    with pytest.raises(Unavailable):
        await client(error(-32005, "Node is behind by 42 slots")).send(b"wire")


async def test_an_internal_error_while_sending_is_an_unknown_outcome():
    with pytest.raises(OutcomeUnknown):
        await client(error(-32603, "Internal error")).send(b"wire")


async def test_a_malformed_request_is_refused():
    with pytest.raises(RpcRefused) as caught:
        await client(error(-32602, "Invalid param: could not find account")).token_supply(KEY)
    assert caught.value.code == -32602


async def test_the_address_of_the_node_is_never_in_an_error():
    with pytest.raises(Unavailable) as caught:
        await client(raises(httpx.ConnectError("http://node.invalid/?api-key=secret"))).slot()
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_statuses_keep_their_order_and_their_gaps():
    rows = [None, {"slot": 7, "confirmations": None, "err": None, "status": {"Ok": None}, "confirmationStatus": "finalized"}]
    first, second = await client(result({"context": {"slot": 9}, "value": rows})).statuses(["a", "b"], search_history=True)
    assert first is None
    assert second is not None
    assert second.is_finalized
    assert second.is_confirmed


async def test_a_blockhash_comes_with_the_height_at_which_it_ends():
    value = {"blockhash": str(Hash(bytes([3] * 32))), "lastValidBlockHeight": 150}
    assert await client(result({"context": {"slot": 1}, "value": value})).latest_blockhash() == (Hash(bytes([3] * 32)), 150)


async def test_history_is_never_asked_at_processed():
    asked: list[dict[str, Any]] = []

    def answer(request: dict[str, Any]) -> httpx.Response:
        asked.append(request)
        return result([])(request)

    transport = httpx.MockTransport(lambda request: answer(json.loads(request.content)))
    chain = ChainClient("http://node.invalid", commitment="processed", http=transport)
    assert await chain.signatures_for(KEY, until="x", limit=5) == []
    assert asked[0]["params"] == [str(KEY), {"limit": 5, "commitment": "confirmed", "until": "x"}]


async def test_an_unhealthy_node_is_not_healthy():
    assert not await client(error(-32005, "behind")).is_healthy()
    assert await client(result("ok")).is_healthy()


async def test_a_token_account_that_does_not_exist_has_no_balance():
    assert await client(result({"context": {"slot": 1}, "value": None})).token_balance(KEY) is None


async def test_a_supply_is_an_integer():
    value = {"amount": "18446744073709551615", "decimals": 9, "uiAmount": None, "uiAmountString": "18446744073.709551615"}
    assert await client(result({"context": {"slot": 1}, "value": value})).token_supply(KEY) == 2**64 - 1


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("genesis_hash", "not a hash"),
        ("genesis_hash", ""),
        ("latest_blockhash", {"context": {"slot": 1}, "value": {"blockhash": "0OIl", "lastValidBlockHeight": 1}}),
        (
            "account",
            {"context": {"slot": 1}, "value": {"lamports": 1, "owner": "x", "data": ["", "base64"], "executable": False}},
        ),
        (
            "account",
            {"context": {"slot": 1}, "value": {"lamports": 1, "owner": str(KEY), "data": ["%", "x"], "executable": False}},
        ),
        ("transaction", {"slot": 1, "transaction": ["AAAA", "base64"], "meta": {"fee": 1}}),
        ("transaction", {"slot": 1, "transaction": ["", "base64"], "meta": {"fee": 1}}),
        ("token_supply", {"context": {"slot": 1}, "value": {"amount": "ten", "decimals": 9}}),
        ("slot", "twelve"),
        ("balance", None),
    ],
)
async def test_a_node_that_talks_nonsense_is_unavailable(method: str, value: Any):
    arguments = {"account": (KEY,), "transaction": ("sig",), "token_supply": (KEY,), "balance": (KEY,)}.get(method, ())
    with pytest.raises(Unavailable):
        await getattr(client(result(value)), method)(*arguments)
