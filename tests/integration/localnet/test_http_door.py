import asyncio
import contextlib
import socket
from contextlib import closing

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from programs.localnet import Localnet, LocalnetConfig, LocalnetError
from tests.integration.localnet.steps import fast

SERVICE_RESTART = 1012  # the WebSocket close code of a server that goes away
HEALTH = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}


async def test_the_websocket_port_is_one_above(localnet: Localnet):
    http, websocket = httpx.URL(localnet.rpc_url), httpx.URL(localnet.ws_url)

    assert websocket.port == (http.port or 0) + 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8899"}, 403),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:8899"}, 200),
    ],
)
async def test_a_web_page_from_elsewhere_is_kept_out(localnet: Localnet, headers: dict[str, str], status: int):
    async with httpx.AsyncClient() as client:
        answer = await client.post(localnet.rpc_url, json=HEALTH, headers=headers)

    assert answer.status_code == status


async def test_methods_sizes_and_the_health_page(localnet: Localnet):
    async with httpx.AsyncClient() as client:
        assert (await client.get(localnet.rpc_url)).status_code == 405
        assert (await client.get(f"{localnet.rpc_url}/health")).text == "ok"
        assert (await client.post(localnet.rpc_url, content=b" " * 600_000)).status_code == 413
        assert (await client.post(localnet.ws_url.replace("ws", "http"), json=HEALTH)).json()["result"] == "ok"


async def test_only_loopback_is_served():
    with pytest.raises(LocalnetError, match="loopback only"):
        await Localnet(LocalnetConfig(now=int, host="0.0.0.0", port=0)).start()  # noqa: S104  # the refusal is the point


async def test_a_taken_port_is_said_in_one_sentence():
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LocalnetError, match="choose another port"):
            await Localnet(LocalnetConfig(now=int, port=taken.getsockname()[1])).start()


async def test_it_can_be_stopped_twice_and_started_again_on_the_same_port():
    localnet = Localnet(fast())
    await localnet.start()
    url = localnet.rpc_url
    await localnet.stop()
    await localnet.stop()
    with pytest.raises(LocalnetError, match="not running"):
        _ = localnet.chain

    await localnet.start()

    assert localnet.rpc_url == url
    await localnet.stop()


async def test_it_stops_with_clients_still_connected():
    localnet = Localnet(fast())
    await localnet.start()
    async with connect(localnet.ws_url) as listener, httpx.AsyncClient() as client:
        await client.post(localnet.rpc_url, json=HEALTH)
        await listener.send('{"jsonrpc":"2.0","id":1,"method":"slotSubscribe"}')

        async with asyncio.timeout(3):
            await localnet.stop()
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await listener.recv()

    assert listener.close_code == SERVICE_RESTART
