"""Connecting, being refused, being answered, coming back."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiomqtt
import pytest

from broker.embedded import EmbeddedBroker
from broker.hardened import BrokerLimits
from broker.mailbox import MailboxLimits
from core.domain.errors import InvalidInput
from devices.receipts import HelloAnswer, ReceiptMessage, decode_platform_message
from oracle_bridge import subscriber_link
from oracle_bridge.ingest import Arrival, IngestLimits
from tests.support.brokers import BRIDGE, DEVICES, FLEET, RunningBroker, authenticate, embedded_broker
from tests.support.mosquitto import MosquittoServer
from tests.support.subscribing import NETWORK, NOW, FakeDoor, new_subscriber, running
from tests.support.waiting import until

RECEIPT = "gtx/v1/home/MTR-1/receipt"


async def _next(device: aiomqtt.Client) -> HelloAnswer | ReceiptMessage:
    async with asyncio.timeout(5):
        message = await anext(aiter(device.messages))
    return decode_platform_message(bytes(message.payload))


async def test_a_device_gets_its_receipt_after_the_commit(broker: RunningBroker):
    door = FakeDoor()
    async with running(new_subscriber(broker, door)), broker.device("MTR-1") as device:
        await device.subscribe(RECEIPT, qos=1)
        await device.publish("gtx/v1/home/MTR-1/reading", b"1", qos=1)

        receipt = await _next(device)

    assert isinstance(receipt, ReceiptMessage)
    assert receipt.meter_id == "MTR-1"
    assert door.committed == [b"1"]


async def test_a_hello_is_answered_with_where_the_device_stands(broker: RunningBroker):
    async with running(new_subscriber(broker, FakeDoor())), broker.device("MTR-1") as device:
        await device.subscribe(RECEIPT, qos=1)
        await device.publish("gtx/v1/home/MTR-1/hello", b'{"nonce":"a"}', qos=1)

        assert await _next(device) == HelloAnswer(highest=41, time=NOW, network=NETWORK)


async def test_an_unknown_meter_and_other_channels_are_taken_and_not_stored(broker: RunningBroker):
    door, after = FakeDoor(), FakeDoor()
    async with running(new_subscriber(broker, door)):
        async with broker.device("MTR-2") as device:
            await device.publish("gtx/v1/home/MTR-2/hello", b"{}", qos=1)
            await device.publish("gtx/v1/home/MTR-2/status", b'{"online":true}', qos=1, retain=True)
            await device.publish("gtx/v1/home/MTR-2/command/reply", b'{"id":"1","ok":true}', qos=1)
            await device.publish("gtx/v1/home/MTR-2/reading", b"1", qos=1)
        await door.until_committed(1)
    async with running(new_subscriber(broker, after)):
        await asyncio.sleep(0.05)

    assert door.committed == [b"1"]
    assert after.attempts == 0


async def test_a_wrong_password_stops_the_start_with_one_sentence(broker: RunningBroker):
    with pytest.raises(InvalidInput, match="user oracle-bridge"):
        async with asyncio.timeout(5):
            await new_subscriber(broker, FakeDoor(), password="wrong").run()


async def test_a_lost_connection_is_opened_again(broker: RunningBroker):
    door = FakeDoor()
    async with running(new_subscriber(broker, door)) as subscriber:
        subscriber._link.drop()
        await until(lambda: not subscriber.is_connected)
        async with asyncio.timeout(5):
            await subscriber.wait_ready()
        async with broker.device("MTR-1") as device:
            await device.publish("gtx/v1/home/MTR-1/reading", b"after", qos=1)
        await door.until_committed(1)

    assert door.committed == [b"after"]


async def test_an_acknowledgement_of_an_earlier_connection_is_not_sent_on_a_new_one(broker: RunningBroker):
    door = FakeDoor()
    door.is_open.clear()
    async with running(new_subscriber(broker, door)) as subscriber:
        async with broker.device("MTR-1") as device:
            await device.publish("gtx/v1/home/MTR-1/reading", b"1", qos=1)
        await until(lambda: door.attempts)
        subscriber._link.drop()
        await until(lambda: not subscriber.is_connected)
        async with asyncio.timeout(5):
            await subscriber.wait_ready()
        door.is_open.set()
        await door.until_committed(2)

    assert door.committed == [b"1", b"1"]  # taken twice, which the intake answers with `repeated`


async def test_the_embedded_broker_refuses_a_shared_subscription_loudly():
    async with embedded_broker() as (broker, _):
        with pytest.raises(InvalidInput, match="share/bridges"):
            async with asyncio.timeout(5):
                await new_subscriber(broker, FakeDoor(), shared_group="bridges").run()


@pytest.mark.mosquitto
async def test_a_shared_subscription_works_on_mosquitto(tmp_path: Path):
    async with MosquittoServer(tmp_path, fleet=FLEET, bridge=BRIDGE, devices=DEVICES) as server:
        broker, door = RunningBroker("mosquitto", server.port), FakeDoor()
        async with running(new_subscriber(broker, door, shared_group="bridges")):
            async with broker.device("MTR-1") as device:
                await device.publish("gtx/v1/home/MTR-1/reading", b"1", qos=1)
            await door.until_committed(1)


@pytest.mark.mosquitto
async def test_a_restart_of_mosquitto_loses_nothing(tmp_path: Path):
    async with MosquittoServer(tmp_path, fleet=FLEET, bridge=BRIDGE, devices=DEVICES) as server:
        broker, door = RunningBroker("mosquitto", server.port), FakeDoor()
        door.is_available = False
        async with running(new_subscriber(broker, door)) as subscriber:
            async with broker.device("MTR-1") as device:
                await device.publish("gtx/v1/home/MTR-1/reading", b"1", qos=1)
            await until(lambda: door.attempts)
            await server.stop()
            await server.start()
            await until(lambda: not subscriber.is_connected)
            async with asyncio.timeout(5):
                await subscriber.wait_ready()
            door.is_available = True
            await door.until_committed(1)
            await asyncio.sleep(0.05)

    assert set(door.committed) == {b"1"}


async def test_a_full_backlog_slows_devices_down_and_loses_nothing():
    """The bridge takes at most its backlog, the broker at most its mailbox; beyond that a device's publish waits."""
    limits = BrokerLimits(bridge=MailboxLimits(window=8, messages=16, bytes=1_000_000))
    door = FakeDoor()
    door.is_open.clear()
    messages = [str(number).encode() for number in range(100)]
    async with embedded_broker(limits) as (broker, _):
        subscriber = new_subscriber(broker, door, limits=IngestLimits(max_batch=4, max_backlog=8))
        async with running(subscriber), broker.device("MTR-1") as device, asyncio.TaskGroup() as group:
            sent: list[bytes] = []

            async def send() -> None:
                for message in messages:
                    await device.publish("gtx/v1/home/MTR-1/reading", message, qos=1)
                    sent.append(message)

            group.create_task(send())
            await asyncio.sleep(0.3)
            held_at = len(sent)
            door.is_open.set()
            await door.until_committed(100)

    assert held_at == 16
    assert door.committed == messages


async def test_an_unbounded_broker_is_held_back_by_not_reading():
    """A broker without a receive maximum is slowed by the socket."""
    limits = BrokerLimits(bridge=MailboxLimits(window=60_000, messages=60_000, bytes=100_000_000))
    door = FakeDoor()
    door.is_open.clear()
    async with embedded_broker(limits) as (broker, _):
        subscriber = new_subscriber(broker, door, limits=IngestLimits(max_batch=4, max_backlog=16))
        async with running(subscriber):
            async with broker.device("MTR-1") as device:
                for number in range(200):
                    await device.publish("gtx/v1/home/MTR-1/reading", str(number).encode(), qos=1)
            await asyncio.sleep(0.05)
            assert len(subscriber._ingest._waiting) <= 16
            door.is_open.set()
            await door.until_committed(200)

    assert door.committed == [str(number).encode() for number in range(200)]


async def test_many_receipts_do_not_wait_for_confirmations_that_a_full_backlog_hides(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(subscriber_link, "MAX_UNCONFIRMED", 4)
    door = FakeDoor()
    async with running(new_subscriber(broker, door, limits=IngestLimits(max_batch=8, max_backlog=16))):
        async with broker.device("MTR-1") as device, asyncio.TaskGroup() as group:
            for number in range(300):
                group.create_task(device.publish("gtx/v1/home/MTR-1/reading", str(number).encode(), qos=1))
        async with asyncio.timeout(5):
            await door.until_committed(300)


async def test_a_late_commit_does_not_acknowledge_another_message_of_the_next_connection():
    """A broker that lost its session counts packet ids from one again."""
    first, second = _NeverStoresTwo(), FakeDoor()
    first.is_open.clear()
    engine = EmbeddedBroker(authenticate, port=0)
    await engine.start()
    broker = RunningBroker("embedded", engine.port)
    limits = IngestLimits(max_batch=1, max_in_hand=1)

    async with running(new_subscriber(broker, first, limits=limits), kill=True) as subscriber:
        await _say(broker, b"1")
        await until(lambda: first.attempts == 1)
        await engine.stop()
        await until(lambda: not subscriber.is_connected)
        await engine.start()
        await until(lambda: subscriber.is_connected)
        await _say(broker, b"2")
        await until(lambda: subscriber._ingest._waiting)
        first.is_open.set()
        await until(lambda: first.attempts == 2)
        await subscriber._link.flush()
        await asyncio.sleep(0.02)
    async with running(new_subscriber(broker, second)):
        await second.until_committed(1)
    await engine.stop()

    assert first.committed == [b"1"]
    assert second.committed == [b"2"]


class _NeverStoresTwo(FakeDoor):
    async def take(self, arrivals: Sequence[Arrival]) -> Sequence[ReceiptMessage]:
        if arrivals[0].payload == b"2":
            self.attempts += 1
            await asyncio.Event().wait()
        return await super().take(arrivals)


async def _say(broker: RunningBroker, payload: bytes) -> None:
    async with broker.device("MTR-1") as device:
        await device.publish("gtx/v1/home/MTR-1/reading", payload, qos=1)
