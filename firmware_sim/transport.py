"""How a device's bytes reach the platform, and back."""

from collections.abc import Callable
from typing import Protocol

from core.domain.errors import Unavailable
from core.domain.identity import MeterId
from devices.topics import Channel

Listener = Callable[[Channel, bytes], None]
"""Takes what arrives for one meter; never blocks."""
Back = Callable[[], None]
"""Told when a line that broke by itself stands again."""


class LinkDown(Unavailable):
    """The line is down: nothing was sent."""


class Transport(Protocol):
    """The network as a meter sees it."""

    async def connect(self, meter_id: MeterId, listener: Listener, back: Back) -> None:
        """Open the meter's line; returns when it stands, or raises LinkDown."""
        ...

    async def publish(self, meter_id: MeterId, channel: Channel, payload: bytes) -> None:
        """Send; returns when the broker has it, or raises LinkDown. A raise does not mean that nothing arrived."""
        ...

    async def disconnect(self, meter_id: MeterId) -> None:
        """Close the meter's line."""
        ...


class MemoryTransport:
    """A network without wires: hands every message to `receive`, and answers with `deliver`."""

    def __init__(self, receive: Callable[[MeterId, Channel, bytes], None]) -> None:
        self._receive = receive
        self._listeners: dict[MeterId, Listener] = {}

    async def connect(self, meter_id: MeterId, listener: Listener, back: Back) -> None:
        """Open the meter's line; one without wires never breaks by itself."""
        del back
        self._listeners[meter_id] = listener

    async def publish(self, meter_id: MeterId, channel: Channel, payload: bytes) -> None:
        """Hand over at once, or raise LinkDown."""
        if meter_id not in self._listeners:
            raise LinkDown(f"{meter_id} is not connected")
        self._receive(meter_id, channel, payload)

    async def disconnect(self, meter_id: MeterId) -> None:
        """Close the meter's line."""
        self._listeners.pop(meter_id, None)

    def deliver(self, meter_id: MeterId, channel: Channel, payload: bytes) -> None:
        """Let something arrive at the meter, if it is there."""
        if (listener := self._listeners.get(meter_id)) is not None:
            listener(channel, payload)
