"""Following one transaction: what was signed is asked for, never signed again."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from core.domain.errors import Unavailable
from programs.client import confirmation
from programs.client.confirmation import Expired, send_confirmed
from programs.client.instructions import system
from programs.client.rpc import ChainClient, TransactionRefused
from programs.client.signer import KeypairSigner

PAYER = KeypairSigner(Keypair())
TRANSFER = system.transfer(PAYER.pubkey, Pubkey.new_unique(), 1)
CONFIRMED = {"slot": 7, "confirmations": 1, "err": None, "confirmationStatus": "confirmed"}


class Node:
    """A node with a script: what it answers to `sendTransaction` and to status requests."""

    def __init__(self, *, send: Callable[[], Any], statuses: list[Any], height: int = 10) -> None:
        self.send = send
        self.statuses = statuses
        self.height = height
        self.sent: list[str] = []
        self.searched: list[bool] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked["id"], **self.answer(asked["method"], asked["params"])})

    def answer(self, method: str, params: list[Any]) -> dict[str, Any]:
        match method:
            case "getLatestBlockhash":
                value: Any = {"blockhash": str(Pubkey(bytes([3] * 32))), "lastValidBlockHeight": 20}
                return {"result": {"context": {"slot": 1}, "value": value}}
            case "getBlockHeight":
                return {"result": self.height}
            case "sendTransaction":
                self.sent.append(params[0])
                return self.send()
            case "getSignatureStatuses":
                self.searched.append(params[1]["searchTransactionHistory"])
                row = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
                return {"result": {"context": {"slot": 1}, "value": [row]}}
            case _:
                return {"result": None}


def client(node: Node) -> ChainClient:
    return ChainClient("http://node.invalid", http=httpx.MockTransport(node))


def accepted() -> dict[str, Any]:
    return {"result": "signature"}


def cut() -> dict[str, Any]:
    raise httpx.ReadError("cut")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "FIRST_LOOK_S", 0.001)
    monkeypatch.setattr(confirmation, "LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(confirmation, "SEND_AGAIN_S", 0.004)


async def test_a_lost_answer_is_followed_by_its_signature():
    node = Node(send=cut, statuses=[None, CONFIRMED])
    assert len(await send_confirmed(client(node), PAYER, [TRANSFER])) > 80
    assert len(node.sent) == 1


async def test_a_lost_packet_is_sent_again_as_the_same_bytes():
    node = Node(send=accepted, statuses=[None] * 8 + [CONFIRMED])
    await send_confirmed(client(node), PAYER, [TRANSFER])
    assert len(node.sent) > 1
    assert len(set(node.sent)) == 1


async def test_it_is_expired_only_when_history_has_nothing():
    node = Node(send=accepted, statuses=[None], height=21)
    with pytest.raises(Expired):
        await send_confirmed(client(node), PAYER, [TRANSFER])
    assert node.searched[-1] is True


async def test_one_that_landed_at_the_last_moment_is_found_in_history():
    node = Node(send=accepted, statuses=[CONFIRMED], height=21)
    await send_confirmed(client(node), PAYER, [TRANSFER])
    assert node.searched == [True]


async def test_a_failure_on_the_chain_is_a_refusal():
    failed = {**CONFIRMED, "err": {"InstructionError": [0, "InvalidArgument"]}}
    with pytest.raises(TransactionRefused) as caught:
        await send_confirmed(client(Node(send=accepted, statuses=[failed])), PAYER, [TRANSFER])
    assert caught.value.name == "InvalidArgument"


async def test_a_node_that_never_answered_is_unavailable():
    def unreachable(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unavailable):
        await send_confirmed(ChainClient("http://node.invalid", http=httpx.MockTransport(unreachable)), PAYER, [TRANSFER])
