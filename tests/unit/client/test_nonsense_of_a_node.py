"""A node that answers nonsense: inputs that fuzzing found, each once an exception that no loop expects."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from solders.pubkey import Pubkey
from websockets.asyncio.server import ServerConnection, serve

from core.domain.errors import OutcomeUnknown, Unavailable
from programs.client import subscribe
from programs.client.errors import code_of, explain, name_of
from programs.client.rpc import ChainClient
from programs.client.subscribe import Gap, Subscriptions

DEEP = b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 3_000 + b"]" * 3_000 + b"}"


@pytest.mark.parametrize(
    "err",
    [
        {"InstructionError": 5},
        {"InstructionError": []},
        {"InstructionError": [-2, {"Custom": 0}]},
        {"InstructionError": ["0", {"Custom": 6001}]},
        {"InstructionError": [0, {"Custom": "6001"}]},
        {"InstructionError": [2, ""]},
        {},
        "",
    ],
)
def test_an_error_of_no_known_shape_still_has_a_name_and_a_sentence(err: object):
    assert name_of(err)
    assert explain(err, programs=[Pubkey.default()]).startswith("the chain refused the transaction")
    assert code_of(err) in (None, 0)


async def test_an_answer_nested_without_end_is_no_answer():
    async with ChainClient("http://node", http=httpx.MockTransport(lambda _: httpx.Response(200, content=DEEP))) as client:
        with pytest.raises(Unavailable):
            await client.slot()
        with pytest.raises(OutcomeUnknown):
            await client.send(b"wire")


NONSENSE = (
    "nonsense",
    "[" * 3_000,
    '{"params":1}',
    '{"params":{"result":{"slot":0.5}}}',
    '{"params":{"result":{"context":{"slot":1},"value":{"signature":1}}}}',
)


@pytest.mark.parametrize("said", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize("listen", [lambda node: node.logs(Pubkey.default()), lambda node: node.slots()], ids=["logs", "slots"])
async def test_a_node_that_says_nonsense_is_left_and_met_again(
    said: str, listen: Callable[[Subscriptions], AsyncIterator[object]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(subscribe, "FIRST_PAUSE_S", 0.01)

    async def node(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"jsonrpc":"2.0","result":1,"id":1}')
        await connection.send(said)
        await connection.wait_closed()

    async with serve(node, "127.0.0.1", 0) as server, asyncio.timeout(20):
        notices = listen(Subscriptions(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"))

        heard = [await anext(notices) for _ in range(3)]

    assert heard == [Gap(), Gap(), Gap()]
