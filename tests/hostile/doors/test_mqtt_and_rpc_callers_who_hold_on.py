"""Idle sockets at the broker, batches and subscriptions without end at the embedded chain: bounded, while others are served."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from broker.hardened import BrokerLimits
from programs.localnet import Localnet, LocalnetConfig
from programs.localnet.rpc import dispatch
from tests.support.brokers import embedded_broker
from tests.support.waiting import until

IDLE = 300
WITHIN_S = 60.0


async def test_sockets_that_never_log_in_are_closed_while_a_device_is_served():
    limits = BrokerLimits(connect_timeout_s=1.0)
    async with asyncio.timeout(WITHIN_S), embedded_broker(limits) as (running, broker), AsyncExitStack() as stack:
        idle = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(IDLE)]
        for _, writer in idle:
            stack.callback(writer.transport.abort)
            writer.write(b"\x10")  # the beginning of a CONNECT that never comes

        async with running.device("MTR-1") as device:
            await device.publish("gtx/v1/home/MTR-1/reading", b"x", qos=1)

        for reader, _ in idle:
            assert await reader.read() == b""
        await until(lambda: broker.counts.accepted == 1)


def _chain(*, subscriptions: int = 16) -> Localnet:
    return Localnet(LocalnetConfig(now=lambda: 1_750_000_000, port=0, slot_ms=50, max_subscriptions=subscriptions))


def _call(method: str, number: int = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": []}


async def test_a_batch_that_asks_for_gigabytes_is_answered_in_part():
    async with _chain() as chain, httpx.AsyncClient(timeout=WITHIN_S) as client:
        batch = [_call("getLeaderSchedule", number) for number in range(200)]

        answer = await client.post(chain.rpc_url, json=batch)

        replies = msgspec.json.decode(answer.content)
        assert len(answer.content) < 2 * dispatch.MAX_BATCH_BYTES
        assert [reply["id"] for reply in replies] == list(range(200))
        assert "result" in replies[0]
        assert replies[-1]["error"]["code"] == -32600


async def test_subscriptions_beyond_the_limit_are_refused_and_other_clients_are_served():
    async with asyncio.timeout(WITHIN_S), _chain() as chain, connect(chain.ws_url) as greedy, connect(chain.ws_url) as other:
        for number in range(40):
            await greedy.send(msgspec.json.encode(_call("slotSubscribe", number)).decode())
        answers = [message async for message in _answers(greedy, 40)]

        await other.send(msgspec.json.encode(_call("slotSubscribe")).decode())
        granted = msgspec.json.decode(await other.recv())

        refused = [answer for answer in answers if "error" in answer]
        assert len(refused) == 40 - 16
        assert all("Too many subscriptions" in answer["error"]["message"] for answer in refused)
        assert isinstance(granted["result"], int)


async def _answers(socket: ClientConnection, count: int) -> AsyncGenerator[dict[str, Any]]:
    while count:
        message = msgspec.json.decode(await socket.recv())
        if "id" in message:
            count -= 1
            yield message
