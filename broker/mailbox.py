"""What one session is owed: a bounded queue, and the window of what was sent and is not acknowledged."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from broker import packets

_PACKET_IDS = 65_535


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to subscribers, encoded once for all of them."""

    topic: bytes
    """As `packets.topic_field` makes it."""
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class MailboxLimits:
    """How much one session may keep waiting."""

    window: int
    """Messages sent and not yet acknowledged."""
    messages: int
    """Messages in all, sent or waiting."""
    bytes: int
    """Payload bytes in all, sent or waiting."""


DEVICE_MAILBOX: Final = MailboxLimits(window=32, messages=256, bytes=262_144)
"""What waits for one device: receipts and commands; a device that misses one asks again."""
BRIDGE_MAILBOX: Final = MailboxLimits(window=2_048, messages=16_384, bytes=67_108_864)
"""What waits for the bridge; when it is full, devices wait. The window stays below the subscriber's own backlog."""


class Mailbox:
    """QoS 1 deliveries of one session. It outlives connections: what was not acknowledged is sent again, in order."""

    def __init__(self, limits: MailboxLimits) -> None:
        self._limits = limits
        self._waiting: deque[Delivery] = deque()
        self._sent: dict[int, Delivery] = {}
        self._bytes = 0
        self._last_id = 0
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    def offer(self, delivery: Delivery) -> bool:
        """Queue a delivery; False when the mailbox is full."""
        if not self._room.is_set():
            return False
        self._waiting.append(delivery)
        self._bytes += len(delivery.payload)
        if self._is_full():
            self._room.clear()
        return True

    async def wait_for_room(self) -> None:
        """Return when an offer would be taken; several may wait, so offer again and look."""
        await self._room.wait()

    def nudge(self) -> None:
        """Let those who wait look around once, for one of them may have lost its client."""
        was_free = self._room.is_set()
        self._room.set()
        if not was_free:
            self._room.clear()

    def due(self) -> Iterator[bytes]:
        """Packets to send now, as the window allows; each counts as sent."""
        while self._waiting and len(self._sent) < self._limits.window:
            delivery = self._waiting.popleft()
            packet_id = self._free_id()
            self._sent[packet_id] = delivery
            yield packets.publish(delivery.topic, delivery.payload, packet_id=packet_id, retain=delivery.retain)

    def unacknowledged(self) -> list[bytes]:
        """Packets to send again on a new connection, oldest first, marked as repeats."""
        return [
            packets.publish(delivery.topic, delivery.payload, packet_id=packet_id, retain=delivery.retain, again=True)
            for packet_id, delivery in self._sent.items()
        ]

    def acknowledge(self, packet_id: int) -> None:
        """Forget a delivery that the client has; an unknown id is nothing."""
        delivery = self._sent.pop(packet_id, None)
        if delivery is None:
            return
        self._bytes -= len(delivery.payload)
        if not self._room.is_set() and self._is_relieved():
            self._room.set()

    def close(self) -> None:
        """Forget everything and let those who wait go on: the session is gone."""
        self._waiting.clear()
        self._sent.clear()
        self._bytes = 0
        self._room.set()

    def _is_full(self) -> bool:
        return len(self) >= self._limits.messages or self._bytes >= self._limits.bytes

    def _is_relieved(self) -> bool:
        """A quarter is free: waking every waiting publisher for each single place would cost more than it moves."""
        return 4 * len(self) <= 3 * self._limits.messages and 4 * self._bytes <= 3 * self._limits.bytes

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % _PACKET_IDS + 1
            if self._last_id not in self._sent:
                return self._last_id
