"""Defect 40: a client takes over, wipes or enters another's session."""

import asyncio
from contextlib import suppress

import aiomqtt
import pytest

from tests.support.brokers import RunningBroker


async def _next(client: aiomqtt.Client) -> bytes:
    async with asyncio.timeout(5):
        async for message in client.messages:
            return bytes(message.payload)
    raise AssertionError("the connection ended")


async def _silence(client: aiomqtt.Client) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            async for _ in client.messages:
                return False
    return True


async def _session_with_a_waiting_receipt(broker: RunningBroker) -> None:
    async with broker.device("MTR-1", clean=False) as device:
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)
    async with broker.bridge() as bridge:
        await bridge.publish("gtx/v1/home/MTR-1/receipt", b"waiting", qos=1)


@pytest.mark.parametrize("password", ["wrong", ""])
async def test_a_wrong_password_does_not_wipe_the_victims_session(broker: RunningBroker, password: str):
    await _session_with_a_waiting_receipt(broker)

    with pytest.raises(aiomqtt.MqttError):
        async with broker.device("MTR-1", password=password, clean=True):
            pass

    async with broker.device("MTR-1", clean=False) as device:
        assert await _next(device) == b"waiting"


async def test_a_wrong_password_does_not_end_the_victims_connection(broker: RunningBroker):
    async with broker.bridge() as bridge, broker.device("MTR-1") as device:
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)

        with pytest.raises(aiomqtt.MqttError):
            async with broker.device("MTR-1", password="wrong"):
                pass
        await bridge.publish("gtx/v1/home/MTR-1/receipt", b"still here", qos=1)

        assert await _next(device) == b"still here"


@pytest.mark.parametrize("clean", [True, False])
async def test_another_devices_client_id_opens_no_session_of_its_own(broker: RunningBroker, clean: bool):
    await _session_with_a_waiting_receipt(broker)

    with suppress(aiomqtt.MqttError):  # refused at the door, or given the client id of its own user
        async with broker.device("MTR-2", client_id="MTR-1", clean=clean) as attacker:
            assert await _silence(attacker)

    async with broker.device("MTR-1", clean=False) as device:
        assert await _next(device) == b"waiting"


async def test_another_devices_client_id_does_not_end_its_connection(broker: RunningBroker):
    async with broker.bridge() as bridge, broker.device("MTR-1") as device:
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)

        with suppress(aiomqtt.MqttError):
            async with broker.device("MTR-2", client_id="MTR-1") as attacker:
                assert await _silence(attacker)
        await bridge.publish("gtx/v1/home/MTR-1/receipt", b"still here", qos=1)

        assert await _next(device) == b"still here"


async def test_the_bridges_client_id_gives_nothing(broker: RunningBroker):
    async with broker.bridge(clean=False) as bridge:
        await bridge.subscribe("gtx/v1/home/+/reading", qos=1)
        try:
            async with broker.device("MTR-2", client_id="oracle-bridge"):
                pass
        except aiomqtt.MqttError:
            pass  # refused at the door
        async with broker.device("MTR-1") as device:
            await device.publish("gtx/v1/home/MTR-1/reading", b"heard", qos=1)

        assert await _next(bridge) == b"heard"


@pytest.mark.parametrize(
    ("username", "password"), [(None, None), ("", ""), ("MTR-1", None), ("nobody", "x"), ("oracle-bridge", "x")]
)
async def test_nobody_connects_without_their_own_credentials(broker: RunningBroker, username: str | None, password: str | None):
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", broker.port, username=username, password=password, identifier="MTR-1"):
            pass


async def test_a_second_connection_of_the_same_device_ends_the_first(broker: RunningBroker):
    async with broker.bridge() as bridge:
        first = broker.device("MTR-1")
        await first.__aenter__()
        async with broker.device("MTR-1") as second:
            await second.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)
            await bridge.publish("gtx/v1/home/MTR-1/receipt", b"for the second", qos=1)

            assert await _next(second) == b"for the second"
            with pytest.raises(aiomqtt.MqttError):
                await _next(first)
            with suppress(aiomqtt.MqttError):
                await first.__aexit__(None, None, None)
