"""A connection that ends with a reset throws away acknowledgements the broker has not read yet."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

import pytest

from oracle_bridge.subscriber_link import BrokerAddress, MqttLink

CONNACK: Final = bytes((0x20, 3, 0, 0, 0))
PINGRESP: Final = bytes((0xD0, 0))
PUBACK_OF_7: Final = bytes((0x40, 2, 0, 7))
DISCONNECT: Final = bytes((0xE0, 0))


async def _read_until_end(connection: socket.socket) -> bytes:
    received = b""
    while data := await asyncio.get_running_loop().sock_recv(connection, 65_536):
        received += data
    return received


async def _depart(link: MqttLink) -> None:
    await link.leave()
    link.close()


@pytest.mark.parametrize("stored", [(7,), (0, 7)], ids=["numbered", "one that has no number, at QoS 0"])
async def test_who_leaves_lets_the_broker_read_every_acknowledgement(stored: Sequence[int]):
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.setblocking(False)
        address = BrokerAddress.parse(f"mqtt://127.0.0.1:{broker.getsockname()[1]}", username="bridge", password="-")
        link = MqttLink(address, receive_maximum=16, on_message=lambda *_: None)
        async with asyncio.TaskGroup() as group:
            opening = group.create_task(link.open())
            connection, _ = await loop.sock_accept(broker)
            with connection:
                await loop.sock_recv(connection, 65_536)
                await loop.sock_sendall(connection, CONNACK)
                await opening

                link.pause()
                await loop.sock_sendall(connection, PINGRESP)
                for packet_id in stored:
                    link.acknowledge(link.epoch, packet_id)
                group.create_task(_depart(link))
                for _ in range(2):  # a broker that is refused one answer reads no more
                    await asyncio.sleep(0.05)
                    await loop.sock_sendall(connection, PINGRESP)
                received = await _read_until_end(connection)

    assert received == PUBACK_OF_7 + DISCONNECT
