"""What an earlier connection still says ends nothing of the one that stands."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from paho.mqtt.enums import MQTTErrorCode

from core.domain.errors import InvalidInput
from oracle_bridge.subscriber_client import BufferedClient
from oracle_bridge.subscriber_link import BrokerAddress, MqttLink

UNSUPPORTED_VERSION: Final = bytes((0x20, 3, 0, 0x84, 0))
BANNED: Final = bytes((0x20, 3, 0, 0x8A, 0))
ACCEPTED_3_1_1: Final = bytes((0x20, 2, 0, 0))
GRANTED: Final = bytes((0x90, 3, 0, 1, 1))
SUBSCRIBE: Final = 0x82
VERSION_AT: Final = 8
"""Where a CONNECT below 128 bytes says which MQTT it is."""


async def heard(connection: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(connection, 65_536)


async def says(connection: socket.socket, packet: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, packet)


@asynccontextmanager
async def old_broker() -> AsyncGenerator[tuple[socket.socket, MqttLink]]:
    """A broker that a test plays, and the link that may call on it."""
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.setblocking(False)
        address = BrokerAddress.parse(f"mqtt://127.0.0.1:{broker.getsockname()[1]}", username="bridge", password="-")
        link = MqttLink(address, receive_maximum=16, on_message=lambda *_: None)
        yield broker, link
        link.close()


async def refused_caller(broker: socket.socket, link: MqttLink, answer: bytes) -> BufferedClient:
    """Refuse the first connection; returns the client that made it."""
    connection, _ = await asyncio.get_running_loop().sock_accept(broker)
    with connection:
        connect = await heard(connection)
        assert connect[VERSION_AT] == 5
        assert link._client is not None
        refused = link._client
        await says(connection, answer)
        assert not await heard(connection)
    return refused


async def test_a_late_word_of_the_connection_before_does_not_end_the_one_that_stands():
    loop = asyncio.get_running_loop()
    async with old_broker() as (broker, link), asyncio.TaskGroup() as group:
        opening = group.create_task(link.open())
        before = await refused_caller(broker, link, UNSUPPORTED_VERSION)
        connection, _ = await loop.sock_accept(broker)
        with connection:
            assert (await heard(connection))[VERSION_AT] == 4
            await says(connection, ACCEPTED_3_1_1)
            await opening
            subscribing, epoch = group.create_task(link.subscribe(["a"])), link.epoch
            assert (await heard(connection))[0] == SUBSCRIBE

            before._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            losing = group.create_task(link.wait_lost())
            await says(connection, GRANTED)
            await subscribing

            assert (link.is_open, link.epoch, losing.done()) == (True, epoch, False)
        await losing  # and the end of the connection itself is noticed


async def test_a_refusal_for_good_is_not_asked_again_in_an_older_mqtt():
    async with old_broker() as (broker, link):
        opening = asyncio.gather(link.open(), return_exceptions=True)
        await refused_caller(broker, link, BANNED)

        (problem,) = await opening

    assert isinstance(problem, InvalidInput)
    assert not link.is_open
