"""A subscriber that comes back to more than it has room for: what it acknowledges must count, or it never gets through."""

import asyncio
import socket
from contextlib import closing
from time import monotonic

import pytest
from paho.mqtt.enums import CallbackAPIVersion, _ConnectionState

from oracle_bridge import subscriber_link
from oracle_bridge.ingest import IngestLimits
from oracle_bridge.subscriber_client import BufferedClient
from tests.support.brokers import RunningBroker
from tests.support.subscribing import FakeDoor, new_subscriber, running
from tests.support.waiting import until

MESSAGES = 20
NO_ROOM = IngestLimits(max_batch=1, max_backlog=2, max_in_hand=1)
PATIENCE_S = 1.0
STALLED_S = 2.5


async def test_a_subscription_is_waited_for_while_messages_wait_for_room(broker: RunningBroker, monkeypatch: pytest.MonkeyPatch):
    async with running(new_subscriber(broker, FakeDoor())):
        pass  # leaves a session behind
    async with broker.device("MTR-1") as device:
        for number in range(MESSAGES):
            await device.publish("gtx/v1/home/MTR-1/reading", str(number).encode(), qos=1)
    monkeypatch.setattr(subscriber_link, "CONNECT_TIMEOUT_S", PATIENCE_S)
    door = FakeDoor()
    door.is_open.clear()
    subscriber = new_subscriber(broker, door, limits=NO_ROOM)

    async with asyncio.TaskGroup() as group:
        group.create_task(subscriber.run())
        await until(lambda: door.attempts)
        connections = subscriber._link.epoch
        await asyncio.sleep(STALLED_S)
        door.is_open.set()
        await door.until_committed(MESSAGES)
        async with asyncio.timeout(10):
            await subscriber.wait_ready()
        same = subscriber._link.epoch == connections
        subscriber.stop()

    assert same
    assert [int(payload) for payload in door.committed] == list(range(MESSAGES))


@pytest.mark.parametrize("is_paused", [True, False])
def test_an_answer_that_waits_behind_messages_ends_no_connection(*, is_paused: bool):
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        client = BufferedClient(CallbackAPIVersion.VERSION2)
        client._sock = ours  # pyright: ignore[reportAttributeAccessIssue]  # paho describes a socket by a protocol of its own
        client._state, client._keepalive = _ConnectionState.MQTT_CS_CONNECTED, 1
        client._last_msg_out = client._last_bytes_received = client._ping_t = monotonic() - 5
        client.is_paused = is_paused

        client.keep_alive()

        assert (client.socket() is not None) is is_paused
