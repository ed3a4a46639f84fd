"""amqtt's broker with the holes closed that a subclass can close.

What amqtt 0.12.1 does and this does not: touch a session before its client is authenticated; let a client use another's id;
publish wills and retained messages past the access rules; take `$share` and deliver nothing; forget what was not acknowledged
when a connection is lost; accept packets of any size from anyone for any time. What remains: sessions, queues and retained
messages live in memory, so a restart of the broker forgets them (devices keep a journal, the platform asks again); MQTT 3.1.1
only; one process. No safety of the platform depends on this broker.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, final

from amqtt.adapters import BufferReader, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from broker import access, packets
from broker.access import Bridge, Identity
from broker.connection import ClientConnection, Wire
from broker.mailbox import BRIDGE_MAILBOX, DEVICE_MAILBOX, Delivery, Mailbox, MailboxLimits
from broker.packets import ProtocolViolation, Publish
from broker.routing import SubscriptionTree, matches
from broker.session import ClientSession
from core.domain.errors import Unavailable

Authenticate = Callable[[str, str, str], Awaitable[Identity | None]]
"""(username, password, client id) → who it is, or None."""

_log: Final = logging.getLogger(__name__)
_LISTENER: Final = "default"
_CONNECT_LIMIT_BYTES: Final = 8_192
_ACCEPT_QUEUE: Final = 1_024
_SWEEP_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What the broker takes at most."""

    packet_bytes: int = 65_536 + 1_024
    """One packet: the protocol's 64 KiB journal, its topic and room to spare."""
    connections: int = 20_000
    """Open connections."""
    connect_timeout_s: float = 5.0
    """From the accepted socket to an authenticated client."""
    session_expiry_s: float = 86_400.0
    """How long a persistent session waits for its client."""
    retained_bytes: int = 4_096
    """One retained message; larger ones are delivered and not kept."""
    bridge: MailboxLimits = BRIDGE_MAILBOX
    device: MailboxLimits = DEVICE_MAILBOX


@dataclass(slots=True)
class BrokerCounts:
    """What happened, for metrics and tests."""

    accepted: int = 0
    refused_connections: int = 0
    """Sockets that ended before a login, for whatever reason: no place, no CONNECT, no password, silence."""
    refused_publishes: int = 0
    refused_subscriptions: int = 0
    dropped: int = 0
    """Messages to devices that did not take them; a device asks again."""
    violations: int = 0


@final
class HardenedBroker(Broker):
    """The embedded broker's engine; `EmbeddedBroker` is its face."""

    def __init__(self, host: str, port: int, authenticate: Authenticate, limits: BrokerLimits) -> None:
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__(BrokerConfig(listeners={_LISTENER: ListenerConfig(bind=bind)}, plugins={}))
        self._authenticate_client = authenticate
        self._limits = limits
        self._tree = SubscriptionTree()
        self._clients: dict[str, tuple[ClientSession, ClientConnection | None]] = {}
        self._retained: dict[str, Delivery] = {}
        self._open: dict[asyncio.Task[object], asyncio.StreamWriter] = {}
        self.counts = BrokerCounts()

    @property
    def port(self) -> int:
        """The port that the broker listens on."""
        server = self._servers[_LISTENER].instance
        return int(next(iter(server.sockets)).getsockname()[1])

    @property
    def connections(self) -> int:
        """Open sockets."""
        return len(self._open)

    async def shutdown(self) -> None:
        """Close every connection, wait for its task, then stop as amqtt does."""
        self._servers[_LISTENER].instance.close()
        for _, connection in list(self._clients.values()):
            if connection is not None:
                self._abort(connection)
        for writer in self._open.values():
            writer.transport.abort()
        if self._open:
            await asyncio.wait(set(self._open), timeout=self._limits.connect_timeout_s)
        self._clients.clear()
        await super().shutdown()

    async def _create_server_instance(
        self, listener_name: str, listener_type: ListenerType, address: str | None, port: int, ssl_context: object
    ) -> asyncio.Server:
        del listener_type, ssl_context
        on_connection = partial(self.stream_connected, listener_name=listener_name)
        return await asyncio.start_server(on_connection, (address or "").strip("[]"), port, backlog=_ACCEPT_QUEUE)

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str = _LISTENER
    ) -> None:
        """Serve one socket from its first byte to its last."""
        del listener_name
        task = asyncio.current_task()
        if task is None or len(self._open) >= self._limits.connections:
            self.counts.refused_connections += 1
            writer.transport.abort()
            return
        self._open[task] = writer
        try:
            await self._serve_socket(reader, writer)
        except ProtocolViolation as problem:
            self.counts.violations += 1
            _log.info("connection ended: %s", problem)
        except (OSError, TimeoutError) as problem:
            _log.debug("connection broke: %s", type(problem).__name__)
        finally:
            self._open.pop(task)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _session_monitor(self) -> None:
        """Once a second: end connections whose client fell silent, forget sessions that nobody came back for."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = self._loop.time()
            for session, connection in list(self._clients.values()):
                if connection is not None:
                    silence = now - connection.heard_at
                    if session.keep_alive and not connection.held_up and silence > 1.5 * session.keep_alive:
                        self._abort(connection)
                elif session.silent_since is not None and now - session.silent_since > self._limits.session_expiry_s:
                    self._forget(session)

    async def publish_from(self, session: ClientSession, message: Publish) -> None:
        """Route a client's message if it may publish there; MQTT 3.1.1 has no way to say no, so a refused one is dropped."""
        if not access.may_publish(session.identity, message.topic):
            self.counts.refused_publishes += 1
            _log.info("a publish outside the client's own topics was dropped")
            return
        await self._route(session, message)

    def subscribe(self, session: ClientSession, topic_filter: str, qos: int) -> int:
        """Subscribe a session; the failure code for a filter that it may not read."""
        if not access.may_subscribe(session.identity, topic_filter):
            self.counts.refused_subscriptions += 1
            return packets.SUBSCRIPTION_REFUSED
        granted = min(qos, 1)
        session.filters[topic_filter] = granted
        self._tree.add(topic_filter, session.key, granted)
        return granted

    def unsubscribe(self, session: ClientSession, topic_filter: str) -> None:
        """End a session's subscription."""
        if session.filters.pop(topic_filter, None) is not None:
            self._tree.remove(topic_filter, session.key)

    def send_retained(self, session: ClientSession, topic_filter: str) -> None:
        """Queue what is retained under a filter that the session was just granted."""
        for topic, delivery in self._retained.items():
            if matches(topic_filter, topic):
                self._deliver(session, delivery, session.filters.get(topic_filter, 0))

    async def _serve_socket(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = packets.PacketBuffer(self._limits.packet_bytes)
        try:
            admitted = await self._log_in(reader, writer)
        except BaseException:
            self.counts.refused_connections += 1
            raise
        if admitted is None:
            self.counts.refused_connections += 1
            return
        connecting, identity = admitted
        session, connection, resumed = await self._admit(connecting, identity, Wire(reader, writer, buffer))
        goodbye = False
        try:
            writer.write(packets.connack(packets.ACCEPTED, session_present=resumed))
            self.counts.accepted += 1
            goodbye = await connection.serve()
        finally:
            self._leave(session, connection)
            if not goodbye:
                self._publish_will(session)

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Session, Identity] | None:
        """The first packet and whose it is, in the time there is for both; None when it was refused."""
        async with asyncio.timeout(self._limits.connect_timeout_s):
            connecting = await self._read_connect(reader, writer)
            if connecting is None:
                return None
            identity = await self._identify(connecting)
        if isinstance(identity, int):
            writer.write(packets.connack(identity))
            return None
        return connecting, identity

    async def _read_connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Session | None:
        """Read the first packet as a whole before anything is decoded; None when it was answered or is no CONNECT."""
        first, body = await _first_packet(reader)
        if first != packets.CONNECT << 4:
            return None
        name_end = 2 + int.from_bytes(body[:2], "big")
        if body[2:name_end] == b"MQTT" and body[name_end : name_end + 1] != b"\x04":
            writer.write(packets.connack(packets.REFUSED_VERSION))
            return None
        whole = BufferReader(bytes((first,)) + _length(len(body)) + body)
        try:
            _, connecting = await BrokerProtocolHandler.init_from_connect(
                whole, StreamWriterAdapter(writer), self.plugins_manager
            )
        except OSError:
            raise
        except Exception as problem:  # noqa: BLE001  # amqtt raises whatever the bytes provoke
            _log.info("a CONNECT was refused: %s", type(problem).__name__)
            return None
        return connecting

    async def _identify(self, connecting: Session) -> Identity | int:
        """Who connects, before any session is looked at, or the refusal's code; a will on another's topic is refused here."""
        username, client_id = connecting.username or "", connecting.client_id or ""
        if not username:
            return packets.REFUSED_NOT_AUTHORISED
        try:
            identity = await self._authenticate_client(username, connecting.password or "", client_id)
        except Unavailable:
            return packets.REFUSED_UNAVAILABLE
        if identity is None or not access.may_connect(identity, username, client_id):
            return packets.REFUSED_NOT_AUTHORISED
        if connecting.will_flag and not access.may_publish(identity, connecting.will_topic or ""):
            return packets.REFUSED_NOT_AUTHORISED
        return identity

    async def _admit(self, connecting: Session, identity: Identity, wire: Wire) -> tuple[ClientSession, ClientConnection, bool]:
        """End the client's earlier connection, then resume its session or begin a new one."""
        key = access.session_key(identity, connecting.client_id or "")
        while (known := self._clients.get(key)) is not None and known[1] is not None:
            self._abort(known[1])
            await known[1].wait_ended()
        resumed = known is not None and not connecting.clean_session
        if known is not None and resumed:
            session = known[0]
            session.renew(connecting)
        else:
            if known is not None:
                self._forget(known[0])
            limits = self._limits.bridge if isinstance(identity, Bridge) else self._limits.device
            session = ClientSession(connecting, identity, Mailbox(limits))
        session.silent_since = None
        connection = ClientConnection(self.plugins_manager, wire, session, self)
        self._clients[key] = (session, connection)
        return session, connection, resumed

    def _abort(self, connection: ClientConnection) -> None:
        connection.abort()
        if connection.held_up:
            for session, _ in self._clients.values():
                if isinstance(session.identity, Bridge):
                    session.mailbox.nudge()

    def _leave(self, session: ClientSession, connection: ClientConnection) -> None:
        if session.clean_session:
            self._forget(session)
        else:
            session.silent_since = self._loop.time()
            self._clients[session.key] = (session, None)
        connection.finish()

    def _forget(self, session: ClientSession) -> None:
        for topic_filter in list(session.filters):
            self.unsubscribe(session, topic_filter)
        session.mailbox.close()
        self._clients.pop(session.key, None)

    def _publish_will(self, session: ClientSession) -> None:
        """Nobody waits for a will: the dead client's socket is gone."""
        if not session.will_flag or not access.may_publish(session.identity, session.will_topic or ""):
            return
        will = Publish(session.will_topic or "", bytes(session.will_message or b""), 1, bool(session.will_retain), 0)
        for reader, delivery, qos in self._readers(session, will):
            self._deliver(reader, delivery, qos)

    async def _route(self, sender: ClientSession, message: Publish) -> None:
        for reader, delivery, qos in self._readers(sender, message):
            if qos and isinstance(reader.identity, Bridge):
                await self._deliver_surely(sender, reader, delivery)
            else:
                self._deliver(reader, delivery, qos)

    def _readers(self, sender: ClientSession, message: Publish) -> list[tuple[ClientSession, Delivery, int]]:
        if message.retain and access.may_retain(sender.identity, message.topic):
            self._retain(message)
        targets = self._tree.targets(message.topic)
        if not targets:
            return []
        delivery = Delivery(packets.topic_field(message.topic), message.payload)
        return [
            (known[0], delivery, min(granted, message.qos))
            for key, granted in targets.items()
            if (known := self._clients.get(key)) is not None
        ]

    def _retain(self, message: Publish) -> None:
        if not message.payload:
            self._retained.pop(message.topic, None)
        elif len(message.payload) <= self._limits.retained_bytes:
            self._retained[message.topic] = Delivery(packets.topic_field(message.topic), message.payload, retain=True)

    async def _deliver_surely(self, sender: ClientSession, reader: ClientSession, delivery: Delivery) -> None:
        """Queue for the bridge, or hold the sender up until there is room: a backlog slows devices down and loses nothing."""
        _, connection = self._clients.get(sender.key, (sender, None))
        while not reader.mailbox.offer(delivery):
            if connection is not None:
                connection.held_up = True
            await reader.mailbox.wait_for_room()
            if connection is None or connection.is_aborted:
                raise ConnectionAbortedError
        if connection is not None and connection.held_up:
            connection.held_up = False
            connection.heard_at = self._loop.time()
        self._pump(reader)

    def _deliver(self, reader: ClientSession, delivery: Delivery, qos: int) -> None:
        """Queue for a client, or drop: nobody else waits for a device that does not read."""
        connection = self._clients.get(reader.key, (reader, None))[1]
        if qos:
            if reader.mailbox.offer(delivery):
                self._pump(reader)
            else:
                self.counts.dropped += 1
        elif connection is not None and not connection.sheds_load():
            connection.send(packets.publish(delivery.topic, delivery.payload, packet_id=0, retain=delivery.retain))
        else:
            self.counts.dropped += 1

    def _pump(self, session: ClientSession) -> None:
        connection = self._clients.get(session.key, (session, None))[1]
        if connection is not None:
            connection.pump()


async def _first_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await _exactly(reader, 1))[0]
    length = 0
    for shift in (0, 7, 14, 21):
        byte = (await _exactly(reader, 1))[0]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    if length > _CONNECT_LIMIT_BYTES:
        raise ProtocolViolation("the first packet is larger than any CONNECT")
    return first, await _exactly(reader, length)


async def _exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as problem:
        raise ConnectionResetError from problem


def _length(size: int) -> bytes:
    return bytes((size,)) if size < 0x80 else bytes((size & 0x7F | 0x80, size >> 7))
