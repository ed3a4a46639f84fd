"""Defect 39: what is acknowledged is stored, and what is not stored comes again."""

import asyncio

import pytest

from oracle_bridge import subscriber as subscriber_module
from oracle_bridge.ingest import IngestLimits
from tests.support.brokers import RunningBroker
from tests.support.subscribing import FakeDoor, new_subscriber, running
from tests.support.waiting import until

READING = "gtx/v1/home/MTR-1/reading"
SMALL = IngestLimits(max_batch=4, max_wait_ms=20, max_backlog=64)


async def _publish(broker: RunningBroker, payloads: list[bytes]) -> None:
    async with broker.device("MTR-1") as device:
        for payload in payloads:
            await device.publish(READING, payload, qos=1)


async def test_a_message_is_not_acknowledged_before_it_is_stored(broker: RunningBroker):
    first, second = FakeDoor(), FakeDoor()
    first.is_open.clear()

    async with running(new_subscriber(broker, first), kill=True):
        await _publish(broker, [b"1", b"2", b"3"])
        await until(lambda: first.attempts)
    async with running(new_subscriber(broker, second)):
        await second.until_committed(3)

    assert first.committed == []
    assert second.committed == [b"1", b"2", b"3"]


async def test_after_a_kill_exactly_the_unacknowledged_come_again(broker: RunningBroker):
    first, second = FakeDoor(), FakeDoor()
    messages = [str(number).encode() for number in range(10)]

    async with running(new_subscriber(broker, first, limits=SMALL), kill=True) as subscriber:
        await _publish(broker, messages[:4])
        await first.until_committed(4)
        await subscriber._link.flush()
        first.is_open.clear()
        await _publish(broker, messages[4:])
        await until(lambda: first.attempts >= 2)
    async with running(new_subscriber(broker, second, limits=SMALL)):
        await second.until_committed(6)
        await asyncio.sleep(0.05)

    assert first.committed == messages[:4]
    assert second.committed == messages[4:]


async def test_while_the_database_is_away_nothing_is_acknowledged_and_nothing_is_lost(broker: RunningBroker):
    door = FakeDoor()
    door.is_available = False

    async with running(new_subscriber(broker, door)):
        await _publish(broker, [b"1", b"2"])
        await until(lambda: door.attempts >= 2)
        assert door.committed == []
        door.is_available = True
        await door.until_committed(2)

    assert door.committed == [b"1", b"2"]


async def test_messages_sent_while_the_subscriber_is_away_wait_for_it(broker: RunningBroker):
    door = FakeDoor()
    async with running(new_subscriber(broker, FakeDoor())):
        pass
    await _publish(broker, [b"1", b"2"])

    async with running(new_subscriber(broker, door)):
        await door.until_committed(2)

    assert door.committed == [b"1", b"2"]


async def test_a_poison_message_does_not_stop_the_queue(broker: RunningBroker):
    door, after = FakeDoor(), FakeDoor()
    payloads = [b"1", b"2", b"poison a", b"3", b"4", b"5", b"poison b", b"6"]

    async with running(new_subscriber(broker, door, limits=IngestLimits(max_batch=8, max_wait_ms=100))):
        await _publish(broker, payloads)
        await door.until_committed(6)
        await until(lambda: len(door.refused) >= 2)
    async with running(new_subscriber(broker, after)):
        await asyncio.sleep(0.1)

    assert sorted(door.committed) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert door.refused == [b"poison a", b"poison b"]
    assert after.attempts == 0


async def test_a_message_that_can_be_neither_stored_nor_refused_is_asked_for_again(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(subscriber_module, "ASK_AGAIN_AFTER_S", 0.1)
    door = FakeDoor()
    door.refuses_to_refuse = True

    async with running(new_subscriber(broker, door, limits=SMALL)):
        await _publish(broker, [b"poison", b"1", b"2"])
        await door.until_committed(2)
        door.refuses_to_refuse = False
        await until(lambda: door.refused)

    assert door.committed == [b"1", b"2"]
    assert door.refused == [b"poison"]


async def test_a_stop_finishes_what_is_in_hand_and_leaves_the_rest_on_the_broker(broker: RunningBroker):
    first, second = FakeDoor(), FakeDoor()
    first.is_open.clear()
    messages = [str(number).encode() for number in range(20)]

    async with running(new_subscriber(broker, first, limits=SMALL)) as subscriber:
        await _publish(broker, messages)
        await until(lambda: first.attempts == 2)
        subscriber.stop()
        first.is_open.set()
    async with running(new_subscriber(broker, second, limits=SMALL)):
        await second.until_committed(len(messages) - len(first.committed))
        await asyncio.sleep(0.05)

    assert first.batches == [4, 4]
    assert first.committed + second.committed == messages


async def test_what_comes_together_is_stored_together(broker: RunningBroker):
    door = FakeDoor()
    door.is_open.clear()

    async with running(new_subscriber(broker, door, limits=IngestLimits(max_batch=100, max_wait_ms=50))):
        await _publish(broker, [str(number).encode() for number in range(40)])
        door.is_open.set()
        await door.until_committed(40)

    assert len(door.batches) <= 3


async def test_journals_are_cut_into_batches_by_their_size(broker: RunningBroker):
    door = FakeDoor()
    door.is_open.clear()
    limits = IngestLimits(max_batch=100, max_batch_bytes=100_000, max_wait_ms=50)

    async with running(new_subscriber(broker, door, limits=limits)):
        async with broker.device("MTR-1") as device:
            for _ in range(8):
                await device.publish("gtx/v1/home/MTR-1/journal", bytes(50_000), qos=1)
        door.is_open.set()
        await door.until_committed(8)

    assert max(door.batches) == 2
