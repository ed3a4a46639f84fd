"""The embedded broker against clients that do not speak MQTT as it should be spoken."""

import asyncio
from contextlib import suppress

import pytest

from broker import packets
from broker.embedded import EmbeddedBroker
from broker.hardened import BrokerLimits
from broker.mailbox import MailboxLimits
from core.domain.errors import InvalidInput, Unavailable
from tests.support.brokers import authenticate, embedded_broker
from tests.support.raw_mqtt import answer_to, connect, text

LIMITS = BrokerLimits(connections=3, connect_timeout_s=0.3)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x10\xff\xff\xff\x7f",  # a CONNECT of 256 MiB
        b"\x10\xff\xff\xff\xff\xff",
        b"\x10\x00",
        b"\x10\x02\x00\x04",
        b"\x30\x03\x00\x01a",  # PUBLISH first
        b"\x10\x0a" + text("MQTT") + b"\x04\xc2\x00\x3c",  # nothing after the header
        b"\x10\x0c" + text("MQTT") + b"\x04\xc3\x00\x3c\x00\x00",  # reserved flag
        b"\x10\x0c" + text("MQIs") + b"\x03\xc2\x00\x3c\x00\x00",
        b"\x00" * 64,
        b"\xff" * 64,
    ],
)
async def test_what_is_no_connect_ends_the_connection_and_nothing_else(data: bytes):
    async with embedded_broker(LIMITS) as (broker, engine):
        answer = await answer_to(broker.port, data)

        assert answer[3:4] != b"\x00"
        assert engine.counts.accepted == 0
        async with broker.device("MTR-1"):
            assert engine.counts.accepted == 1


async def test_a_client_that_says_nothing_is_cut_off():
    async with embedded_broker(LIMITS) as (broker, _):
        assert await answer_to(broker.port, b"") == b""
        assert await answer_to(broker.port, b"\x10") == b""


async def test_mqtt_5_is_answered_with_the_version_refusal():
    async with embedded_broker(LIMITS) as (broker, _):
        assert await answer_to(broker.port, connect(level=5)) == packets.connack(packets.REFUSED_VERSION)


async def test_connections_are_bounded():
    async with embedded_broker(LIMITS) as (broker, engine):
        async with broker.device("MTR-1"), broker.device("MTR-2"), broker.bridge():
            assert await answer_to(broker.port, connect("reading")) == b""
        assert engine.counts.refused_connections == 1


@pytest.mark.parametrize(
    "violation",
    [
        b"\x30\xff\xff\x7f" + bytes(100),  # larger than the limit
        b"\x30\x02\x00\x00",  # empty topic
        b"\x30\x04" + text("a#"),
        b"\x30\x04" + text(b"\xff\xfe"),
        b"\x36\x05" + text("a") + b"\x00\x01",  # QoS 3
        connect(),  # CONNECT again
        b"\x20\x02\x00\x00",  # CONNACK from a client
        b"\x82\x02\x00\x01",  # SUBSCRIBE to nothing
        b"\x40\x01\x00",  # PUBACK without an id
        b"\xf0\x00",
    ],
)
async def test_a_protocol_violation_ends_the_connection_and_nothing_else(violation: bytes):
    async with embedded_broker() as (broker, engine):
        answer = await answer_to(broker.port, connect() + violation)

        assert answer == packets.connack(packets.ACCEPTED)
        assert engine.counts.violations == 1
        async with broker.device("MTR-1"):
            pass


async def test_a_journal_of_64_kib_passes_and_a_larger_packet_ends_the_connection():
    async with embedded_broker() as (broker, engine):
        topic = packets.topic_field("gtx/v1/home/MTR-1/journal")
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(connect() + packets.publish(topic, bytes(65_536), packet_id=1))

        assert await reader.readexactly(8) == packets.connack(packets.ACCEPTED) + packets.acknowledgement(packets.PUBACK, 1)

        writer.write(packets.publish(topic, bytes(67_000), packet_id=2))
        with suppress(ConnectionResetError):
            assert await reader.read(-1) == b""
        assert engine.counts.violations == 1
        writer.close()


async def test_a_silent_client_is_cut_off_after_its_keepalive():
    async with embedded_broker() as (broker, _):
        assert await answer_to(broker.port, connect(keepalive=1)) == packets.connack(packets.ACCEPTED)


async def test_a_flood_to_a_device_that_does_not_read_is_bounded():
    limits = BrokerLimits(device=MailboxLimits(window=4, messages=8, bytes=100_000))
    subscribe = (
        b"\x82" + bytes((5 + len("gtx/v1/home/MTR-1/receipt"),)) + b"\x00\x01" + text("gtx/v1/home/MTR-1/receipt") + b"\x01"
    )
    async with embedded_broker(limits) as (broker, engine):
        _, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(connect() + subscribe)
        await asyncio.sleep(0.05)
        async with broker.bridge() as bridge:
            for _ in range(50):
                await bridge.publish("gtx/v1/home/MTR-1/receipt", b"x" * 100, qos=1)

        assert engine.counts.dropped == 42
        writer.close()


@pytest.mark.parametrize("flags", [0xC6, 0xCE])
async def test_a_will_on_a_wildcard_or_empty_topic_is_refused(flags: int):
    async with embedded_broker() as (broker, _):
        for topic in ("", "#", "gtx/v1/home/+/status", "$SYS/x"):
            answer = await answer_to(broker.port, connect(flags=flags, will=text(topic) + text("{}")))
            assert answer in {packets.connack(packets.REFUSED_NOT_AUTHORISED), b""}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104  # refused, not bound
def test_the_embedded_broker_refuses_to_start_off_loopback(host: str):
    with pytest.raises(InvalidInput, match="loopback"):
        EmbeddedBroker(authenticate, host=host, port=0)


async def test_a_taken_port_is_told_in_one_sentence():
    async with embedded_broker() as (broker, _):
        with pytest.raises(Unavailable, match=str(broker.port)):
            await EmbeddedBroker(authenticate, port=broker.port).start()


async def test_a_subscription_outside_ones_rights_gets_the_failure_code():
    async with embedded_broker() as (broker, engine), broker.device("MTR-1") as device:
        for topic_filter in ("#", "gtx/v1/home/MTR-2/receipt", "$share/g/gtx/v1/home/MTR-1/receipt"):
            codes = await device.subscribe(topic_filter, qos=1)
            assert [str(code) for code in codes] == ["Unspecified error"]
        assert engine.counts.refused_subscriptions == 3


async def test_a_shared_subscription_gets_the_failure_code_instead_of_silence():
    async with embedded_broker() as (broker, _), broker.bridge() as bridge:
        codes = await bridge.subscribe("$share/bridges/gtx/v1/home/+/reading", qos=1)
        assert [str(code) for code in codes] == ["Unspecified error"]
