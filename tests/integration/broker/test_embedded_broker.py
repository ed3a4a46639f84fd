"""The embedded broker's life: start, carry, redeliver, stop."""

import asyncio
import warnings
from contextlib import AsyncExitStack

import aiomqtt
import pytest

from broker import packets
from broker.access import Device, Identity
from broker.embedded import EmbeddedBroker
from broker.hardened import BrokerLimits
from broker.mailbox import MailboxLimits
from core.domain.errors import Unavailable
from core.domain.identity import parse_fleet, parse_meter_id
from tests.support.brokers import RunningBroker, authenticate, embedded_broker
from tests.support.raw_mqtt import answer_to, connect, text
from tests.support.waiting import until

RECEIPT = "gtx/v1/home/MTR-1/receipt"
MANY = 2_000


async def test_a_stop_leaves_no_task_and_no_warning_behind():
    before = asyncio.all_tasks()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with embedded_broker() as (broker, _), broker.device("MTR-1"), broker.bridge():
            idle = await asyncio.open_connection("127.0.0.1", broker.port)
            await asyncio.sleep(0.01)
        idle[1].close()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before


async def test_a_broker_can_be_started_again_on_its_port():
    broker = EmbeddedBroker(authenticate, port=0)
    for _ in range(2):
        async with broker:
            assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
            async with RunningBroker("embedded", broker.port).device("MTR-1"):
                assert broker.counts.accepted == 1


async def test_it_listens_on_the_other_loopback_too():
    async with EmbeddedBroker(authenticate, host="::1", port=0) as broker:
        assert broker.url == f"mqtt://[::1]:{broker.port}"
        async with aiomqtt.Client("::1", broker.port, username="MTR-1", password="password-of-MTR-1", identifier="MTR-1"):
            assert broker.counts.accepted == 1


async def test_a_receipt_waits_for_a_device_with_a_session_and_not_for_one_without():
    async with embedded_broker() as (broker, _), broker.bridge() as bridge:
        for meter_id, clean in (("MTR-1", False), ("MTR-2", True)):
            async with broker.device(meter_id, clean=clean) as device:
                await device.subscribe(f"gtx/v1/home/{meter_id}/receipt", qos=1)
            await bridge.publish(f"gtx/v1/home/{meter_id}/receipt", b"old", qos=1)

        async with broker.device("MTR-1", clean=False) as device:
            async with asyncio.timeout(5):
                assert (await anext(aiter(device.messages))).payload == b"old"
        async with broker.device("MTR-2", clean=False) as device:
            await device.subscribe("gtx/v1/home/MTR-2/receipt", qos=1)
            await bridge.publish("gtx/v1/home/MTR-2/receipt", b"new", qos=1)
            async with asyncio.timeout(5):
                assert (await anext(aiter(device.messages))).payload == b"new"


async def test_what_a_device_did_not_acknowledge_is_delivered_again_and_marked():
    subscribe = b"\x82" + bytes((5 + len(RECEIPT),)) + b"\x00\x01" + text(RECEIPT) + b"\x01"
    delivery = packets.publish(packets.topic_field(RECEIPT), b"r", packet_id=1)
    again = packets.publish(packets.topic_field(RECEIPT), b"r", packet_id=1, again=True)
    async with embedded_broker() as (broker, _), broker.bridge() as bridge:
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(connect(flags=0xC0) + subscribe)
        await reader.readexactly(9)
        await bridge.publish(RECEIPT, b"r", qos=1)
        assert await reader.readexactly(len(delivery)) == delivery
        writer.transport.abort()

        answer = await answer_to(broker.port, connect(flags=0xC0, keepalive=1))

        assert answer == packets.connack(packets.ACCEPTED, session_present=True) + again


async def test_qos_2_is_routed_once_however_often_it_is_sent():
    body = text("gtx/v1/home/MTR-1/reading") + b"\x00\x07x"
    publish = b"\x34" + bytes((len(body),)) + body
    async with embedded_broker() as (broker, _), broker.bridge() as bridge:
        await bridge.subscribe("gtx/v1/home/+/reading", qos=1)
        released = packets.acknowledgement(packets.PUBREL, 7)
        answer = await answer_to(broker.port, connect() + publish + publish + released + publish + released + b"\xe0\x00")

        received = packets.acknowledgement(packets.PUBREC, 7)
        completed = packets.acknowledgement(packets.PUBCOMP, 7)
        assert answer == packets.connack(0) + received + received + completed + received + completed
        async with asyncio.timeout(5):
            for _ in range(2):
                assert (await anext(aiter(bridge.messages))).payload == b"x"
        assert len(bridge.messages) == 0


async def test_a_device_waits_while_the_bridges_mailbox_is_full_and_another_may_still_take_over():
    limits = BrokerLimits(bridge=MailboxLimits(window=4, messages=4, bytes=10_000))
    async with embedded_broker(limits) as (broker, engine):
        async with broker.bridge(clean=False) as bridge:
            await bridge.subscribe("gtx/v1/home/+/reading", qos=1)
        topic = packets.topic_field("gtx/v1/home/MTR-1/reading")
        flood = b"".join(packets.publish(topic, b"x", packet_id=number) for number in range(1, 11))
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(connect() + flood)
        await reader.readexactly(4)
        await asyncio.sleep(0.05)

        async with broker.device("MTR-1"):
            assert engine.counts.accepted == 3
        writer.close()
        async with broker.bridge(clean=False) as bridge, asyncio.timeout(5):
            for _ in range(4):
                assert (await anext(aiter(bridge.messages))).payload == b"x"


async def test_a_lookup_that_fails_is_told_as_unavailable():
    async def away(username: str, password: str, client_id: str) -> Identity | None:
        raise Unavailable("the database is away")

    async with EmbeddedBroker(away, port=0) as broker:
        assert await answer_to(broker.port, connect()) == packets.connack(packets.REFUSED_UNAVAILABLE)


async def test_thousands_of_devices_stay_connected_and_are_heard():
    async def anyone(username: str, password: str, client_id: str) -> Identity | None:
        return Device(parse_fleet("home"), parse_meter_id(username))

    writers: list[asyncio.StreamWriter] = []
    async with EmbeddedBroker(anyone, port=0) as broker:
        for number in range(MANY):
            name = f"M-{number}"
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
            writer.write(connect(name) + packets.publish(packets.topic_field(f"gtx/v1/home/{name}/reading"), b"x", packet_id=1))
            assert await reader.readexactly(8) == packets.connack(0) + packets.acknowledgement(packets.PUBACK, 1)
            writers.append(writer)

        assert broker.counts.accepted == MANY
        for writer in writers:
            writer.close()


@pytest.mark.parametrize("limit", [1, 5])
async def test_refused_connections_give_their_place_back(limit: int):
    async with embedded_broker(BrokerLimits(connections=limit)) as (broker, engine):
        for _ in range(3 * limit):
            with pytest.raises(aiomqtt.MqttError):
                async with broker.device("MTR-1", password="wrong"):
                    pass
        await until(lambda: engine.counts.refused_connections == 3 * limit)
        async with broker.device("MTR-1"):
            assert engine.counts.accepted == 1


async def test_every_idle_socket_is_counted_as_refused_whether_it_found_a_place_or_not():
    limits = BrokerLimits(connections=5, connect_timeout_s=0.3)
    async with embedded_broker(limits) as (broker, engine), AsyncExitStack() as stack:
        for _ in range(40):
            _, writer = await asyncio.open_connection("127.0.0.1", broker.port)
            stack.callback(writer.close)

        await until(lambda: engine.counts.refused_connections == 40)

        assert engine.clients == 0
        async with broker.device("MTR-1"):
            assert engine.counts.accepted == 1


async def test_only_a_status_is_kept_for_those_who_subscribe_later():
    async with embedded_broker() as (broker, _):
        async with broker.device("MTR-1") as device:
            for channel in ("reading", "journal", "hello", "status"):
                await device.publish(f"gtx/v1/home/MTR-1/{channel}", channel.encode(), qos=1, retain=True)

        async with broker.bridge() as bridge:
            await bridge.subscribe("gtx/v1/home/+/+", qos=1)
            async with asyncio.timeout(5):
                assert (await anext(aiter(bridge.messages))).payload == b"status"
            await asyncio.sleep(0.02)
            assert len(bridge.messages) == 0


async def test_an_empty_retained_status_clears_it():
    async with embedded_broker() as (broker, _):
        async with broker.device("MTR-1") as device:
            await device.publish("gtx/v1/home/MTR-1/status", b"here", qos=1, retain=True)
            await device.publish("gtx/v1/home/MTR-1/status", b"", qos=1, retain=True)

        async with broker.bridge() as bridge:
            await bridge.subscribe("gtx/v1/home/+/status", qos=1)
            await asyncio.sleep(0.02)
            assert len(bridge.messages) == 0
