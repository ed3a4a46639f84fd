"""One client's connection: reads packets, acts on them in order, and sends what the session's mailbox owes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, final

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import BrokerContext
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.manager import PluginManager

from broker import packets
from broker.access import Bridge, is_topic_name
from broker.packets import ProtocolViolation, Publish
from broker.session import ClientSession

READ_BYTES: Final = 65_536
DRAIN_TIMEOUT_S: Final = 10.0
"""A client that does not read its acknowledgements for this long is slow on purpose."""
UNSENT_LIMIT_BYTES: Final = 1_048_576
"""Deliveries pause while this much waits in the socket's buffer."""
MAX_QOS2_IN_FLIGHT: Final = 256


class Switchboard(Protocol):
    """What a connection asks of its broker."""

    async def publish_from(self, session: ClientSession, message: Publish) -> None:
        """Check and route a message; returns when every reader that must have it has it queued."""
        ...

    def subscribe(self, session: ClientSession, topic_filter: str, qos: int) -> int:
        """Subscribe, and return the granted QoS or the failure code."""
        ...

    def unsubscribe(self, session: ClientSession, topic_filter: str) -> None:
        """End a subscription."""
        ...

    def send_retained(self, session: ClientSession, topic_filter: str) -> None:
        """Queue the retained messages that a new subscription matches."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """The two halves of an accepted socket and the limit on what comes in."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    buffer: packets.PacketBuffer = field(repr=False)


@final
class ClientConnection(BrokerProtocolHandler):
    """amqtt's protocol handler with its reader and delivery replaced: no task per packet, nothing lost on a lost connection."""

    def __init__(self, plugins: PluginManager[BrokerContext], wire: Wire, session: ClientSession, board: Switchboard) -> None:
        super().__init__(plugins)
        self.attach(session, StreamReaderAdapter(wire.reader), StreamWriterAdapter(wire.writer))
        self._wire = wire
        self._client = session
        self._board = board
        self._out: list[bytes] = []
        self._ended = asyncio.Event()
        self.heard_at = self._loop.time()
        """Loop time of the last byte from the client."""
        self.held_up = False
        """Whether the connection waits for room at a reader, so that its silence is the broker's doing."""
        self.is_aborted = False
        """Whether the broker has given the connection up."""
        self._actions: dict[int, Callable[[int, bytes], Awaitable[None]]] = {
            packets.PUBLISH: self._on_publish,
            packets.PUBACK: self._on_puback,
            packets.PUBREL: self._on_pubrel,
            packets.SUBSCRIBE: self._on_subscribe,
            packets.UNSUBSCRIBE: self._on_unsubscribe,
            packets.PINGREQ: self._on_ping,
        }

    async def serve(self) -> bool:
        """Work until the connection ends; True when the client said goodbye, False when its will is due.

        Raises:
            ProtocolViolation: the client broke the protocol or a limit.
            OSError: the connection broke.
            TimeoutError: the client stopped reading.
        """
        for packet in self._client.mailbox.unacknowledged():
            self.send(packet)
        self.pump()
        try:
            while data := await self._wire.reader.read(READ_BYTES):
                self.heard_at = self._loop.time()
                if await self._act_on(data):
                    return True
                self.flush()
                await self._drain()
        finally:
            self.flush()
        return False

    def send(self, packet: bytes) -> None:
        """Write a packet together with all others of this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(packet)

    def flush(self) -> None:
        """Hand what was collected to the socket."""
        if self._out:
            data = b"".join(self._out)
            self._out.clear()
            if not self._wire.writer.is_closing():
                self._wire.writer.write(data)

    def pump(self) -> None:
        """Send from the mailbox as far as window and socket allow; an acknowledgement pumps again."""
        if self._wire.writer.transport.get_write_buffer_size() < UNSENT_LIMIT_BYTES:
            for packet in self._client.mailbox.due():
                self.send(packet)

    def sheds_load(self) -> bool:
        """Whether QoS 0 messages to this client are dropped for now."""
        return self._wire.writer.transport.get_write_buffer_size() >= UNSENT_LIMIT_BYTES

    def abort(self) -> None:
        """End the connection now; `serve` returns soon after."""
        self.is_aborted = True
        self._wire.writer.transport.abort()

    def finish(self) -> None:
        """Tell those who wait for the end."""
        self._ended.set()

    async def wait_ended(self) -> None:
        """Return when the connection has left the session."""
        await self._ended.wait()

    async def start(self) -> None:
        """Nothing: `serve` is the loop."""

    async def stop(self) -> None:
        """Close the socket; called by amqtt's session clean-up."""
        self.flush()
        self._wire.writer.close()

    async def _act_on(self, data: bytes) -> bool:
        """Handle the packets that `data` completes; True when the client says goodbye."""
        for first, body in self._wire.buffer.feed(data):
            if first >> 4 == packets.DISCONNECT:
                return True
            action = self._actions.get(first >> 4)
            if action is None:
                raise ProtocolViolation("no packet for a broker in a session")
            await action(first, body)
        return False

    async def _drain(self) -> None:
        """Wait for a device that does not read; the bridge's unsent bytes are bounded by its mailbox and may wait."""
        if not isinstance(self._client.identity, Bridge) and self._wire.writer.transport.get_write_buffer_size():
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await self._wire.writer.drain()

    async def _on_publish(self, first: int, body: bytes) -> None:
        message = packets.read_publish(first, body)
        if not is_topic_name(message.topic):
            raise ProtocolViolation("a topic name is not empty and has no wildcard")
        if message.qos == 2 and message.packet_id in self._client.inbound_qos2:
            self.send(packets.acknowledgement(packets.PUBREC, message.packet_id))
            return
        await self._board.publish_from(self._client, message)
        if message.qos == 1:
            self.send(packets.acknowledgement(packets.PUBACK, message.packet_id))
        elif message.qos == 2:
            if len(self._client.inbound_qos2) >= MAX_QOS2_IN_FLIGHT:
                raise ProtocolViolation("too many QoS 2 messages in flight")
            self._client.inbound_qos2.add(message.packet_id)
            self.send(packets.acknowledgement(packets.PUBREC, message.packet_id))

    async def _on_puback(self, first: int, body: bytes) -> None:
        del first
        self._client.mailbox.acknowledge(packets.read_packet_id(body))
        self.pump()

    async def _on_pubrel(self, first: int, body: bytes) -> None:
        del first
        packet_id = packets.read_packet_id(body)
        self._client.inbound_qos2.discard(packet_id)
        self.send(packets.acknowledgement(packets.PUBCOMP, packet_id))

    async def _on_subscribe(self, first: int, body: bytes) -> None:
        del first
        filters = packets.read_subscribe(body)
        codes = [self._board.subscribe(self._client, topic_filter, qos) for topic_filter, qos in filters]
        self.send(packets.suback(packets.read_packet_id(body), codes))
        for (topic_filter, _), code in zip(filters, codes, strict=True):
            if code != packets.SUBSCRIPTION_REFUSED:
                self._board.send_retained(self._client, topic_filter)

    async def _on_unsubscribe(self, first: int, body: bytes) -> None:
        del first
        for topic_filter in packets.read_unsubscribe(body):
            self._board.unsubscribe(self._client, topic_filter)
        self.send(packets.acknowledgement(packets.UNSUBACK, packets.read_packet_id(body)))

    async def _on_ping(self, first: int, body: bytes) -> None:
        del first, body
        self.send(packets.PINGRESP_PACKET)
