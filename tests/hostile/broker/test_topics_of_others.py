"""Defect 40: a device reads or writes another's topics."""

import asyncio

import aiomqtt
import pytest

from tests.support.brokers import RunningBroker
from tests.support.raw_mqtt import connect, die_after, text

VICTIM = "gtx/v1/home/MTR-1"
MARK = b"the end"


async def _until_mark(client: aiomqtt.Client) -> list[tuple[str, bytes]]:
    """Everything received before a genuine last message, which shows that nothing else is on its way."""
    received: list[tuple[str, bytes]] = []
    async with asyncio.timeout(5):
        async for message in client.messages:
            payload = bytes(message.payload)
            if payload == MARK:
                return received
            received.append((str(message.topic), payload))
    raise AssertionError("the connection ended")


@pytest.mark.parametrize(
    "topic",
    [
        f"{VICTIM}/reading",
        f"{VICTIM}/journal",
        f"{VICTIM}/status",
        f"{VICTIM}/command/reply",
        "gtx/v1/home/MTR-2/receipt",
        "gtx/v1/away/MTR-2/reading",
        "gtxp/v1/0123456789abcdef/request",
        "gtxp/v1/0123456789abcdef/response",
    ],
)
async def test_a_device_cannot_publish_to_anothers_topics(broker: RunningBroker, topic: str):
    async with broker.bridge() as bridge, broker.device("MTR-1") as victim, broker.device("MTR-2") as attacker:
        await bridge.subscribe("gtx/v1/#", qos=1)
        await victim.subscribe(f"{VICTIM}/receipt", qos=1)

        await attacker.publish(topic, b"forged", qos=1)
        await attacker.publish("gtx/v1/home/MTR-2/reading", MARK, qos=1)

        assert await _until_mark(bridge) == []


@pytest.mark.parametrize("channel", ["receipt", "command"])
@pytest.mark.parametrize(
    "topic_filter",
    [
        "{victim}/{channel}",
        "gtx/v1/home/+/{channel}",
        "gtx/v1/+/+/{channel}",
        "gtx/v1/home/#",
        "gtx/v1/#",
        "#",
        "+/+/+/+/+",
        "$share/spies/{victim}/{channel}",
    ],
)
async def test_a_device_cannot_subscribe_to_anothers_topics(broker: RunningBroker, topic_filter: str, channel: str):
    async with broker.bridge() as bridge, broker.device("MTR-2") as attacker:
        await attacker.subscribe(topic_filter.format(victim=VICTIM, channel=channel), qos=1)
        await attacker.subscribe(f"gtx/v1/home/MTR-2/{channel}", qos=1)

        await bridge.publish(f"{VICTIM}/{channel}", b"secret", qos=1)
        await bridge.publish(f"gtx/v1/home/MTR-2/{channel}", MARK, qos=1)

        assert await _until_mark(attacker) == []


@pytest.mark.parametrize("topic_filter", ["gtx/v1/home/+/reading", "gtx/v1/home/MTR-1/#", "gtx/v1/home/MTR-1/journal"])
async def test_a_device_cannot_listen_to_what_others_publish(broker: RunningBroker, topic_filter: str):
    async with broker.bridge() as bridge, broker.device("MTR-1") as victim, broker.device("MTR-2") as attacker:
        await attacker.subscribe(topic_filter, qos=1)
        await attacker.subscribe("gtx/v1/home/MTR-2/receipt", qos=1)

        await victim.publish(f"{VICTIM}/reading", b"private", qos=1)
        await victim.publish(f"{VICTIM}/journal", b"private", qos=1)
        await bridge.publish("gtx/v1/home/MTR-2/receipt", MARK, qos=1)

        assert await _until_mark(attacker) == []


@pytest.mark.parametrize("flags", [0xC6, 0xCE, 0xEE])
async def test_a_will_on_anothers_topic_is_never_published(broker: RunningBroker, flags: int):
    async with broker.bridge() as bridge, broker.device("MTR-1") as victim:
        await bridge.subscribe("gtx/v1/#", qos=1)

        will = text(f"{VICTIM}/status") + text("forged")
        await die_after(broker.port, connect("MTR-2", flags=flags, will=will))
        await asyncio.sleep(0.05)
        await victim.publish(f"{VICTIM}/reading", MARK, qos=1)

        assert await _until_mark(bridge) == []


async def test_a_will_on_ones_own_status_is_published_and_retained(broker: RunningBroker):
    async with broker.bridge() as bridge:
        await bridge.subscribe("gtx/v1/home/+/status", qos=1)

        will = text(f"{VICTIM}/status") + text('{"online":false}')
        await die_after(broker.port, connect("MTR-1", flags=0xEE, will=will))

        async with asyncio.timeout(5):
            received = await anext(aiter(bridge.messages))
        assert received.payload == b'{"online":false}'


async def test_a_retained_message_reaches_only_those_who_may_read_it(broker: RunningBroker):
    async with broker.device("MTR-1") as victim:
        await victim.publish(f"{VICTIM}/status", b'{"online":true}', qos=1, retain=True)

    async with broker.bridge() as bridge, broker.device("MTR-2") as attacker:
        await attacker.subscribe(f"{VICTIM}/status", qos=1)
        await attacker.subscribe("gtx/v1/home/#", qos=1)
        await attacker.subscribe("gtx/v1/home/MTR-2/receipt", qos=1)
        await bridge.publish("gtx/v1/home/MTR-2/receipt", MARK, qos=1)

        assert await _until_mark(attacker) == []


async def test_a_retained_message_reaches_the_bridge(broker: RunningBroker):
    async with broker.device("MTR-1") as victim:
        await victim.publish(f"{VICTIM}/status", b'{"online":true}', qos=1, retain=True)

    async with broker.bridge() as bridge, broker.device("MTR-1") as victim:
        await bridge.subscribe("gtx/v1/home/+/status", qos=1)
        await bridge.subscribe("gtx/v1/home/+/reading", qos=1)
        await victim.publish(f"{VICTIM}/reading", MARK, qos=1)

        assert await _until_mark(bridge) == [(f"{VICTIM}/status", b'{"online":true}')]


async def test_a_device_cannot_retain_a_message_on_anothers_topic(broker: RunningBroker):
    async with broker.device("MTR-2") as attacker:
        await attacker.publish(f"{VICTIM}/command", b'{"do":"forged"}', qos=1, retain=True)
        await attacker.publish(f"{VICTIM}/receipt", b"forged", qos=1, retain=True)

    async with broker.bridge() as bridge, broker.device("MTR-1") as victim:
        await victim.subscribe(f"{VICTIM}/command", qos=1)
        await victim.subscribe(f"{VICTIM}/receipt", qos=1)
        await bridge.publish(f"{VICTIM}/receipt", MARK, qos=1)

        assert await _until_mark(victim) == []


async def test_a_meter_named_like_a_reserved_word_does_not_own_it(broker: RunningBroker):
    async with broker.bridge() as bridge, broker.device("reading") as odd, broker.device("MTR-1") as victim:
        await bridge.subscribe("gtx/v1/#", qos=1)

        await odd.publish(f"{VICTIM}/reading", b"forged", qos=1)
        await odd.publish("gtx/v1/home/reading/reading", b"its own", qos=1)
        await victim.publish(f"{VICTIM}/reading", MARK, qos=1)

        assert await _until_mark(bridge) == [("gtx/v1/home/reading/reading", b"its own")]


@pytest.mark.parametrize("topic", ["$SYS/broker/version", "$SYS/#"])
async def test_a_device_does_not_read_the_brokers_own_topics(broker: RunningBroker, topic: str):
    async with broker.bridge() as bridge, broker.device("MTR-2") as attacker:
        await attacker.subscribe(topic, qos=1)
        await attacker.subscribe("gtx/v1/home/MTR-2/receipt", qos=1)
        await bridge.publish("gtx/v1/home/MTR-2/receipt", MARK, qos=1)

        assert await _until_mark(attacker) == []
