"""One MQTT connection on the event loop, without a thread: a thread would wait for the interpreter at every packet."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.domain.errors import InvalidInput, Unavailable
from core.runtime.logging import get_logger
from oracle_bridge.subscriber_client import BufferedClient

KEEPALIVE_S: Final = 30
CONNECT_TIMEOUT_S: Final = 10.0
SESSION_EXPIRY_S: Final = 7 * 86_400  # as long as a reading may be late
MAX_UNCONFIRMED: Final = 1_000
"""Receipts published and not yet confirmed by the broker."""
FLUSH_TIMEOUT_S: Final = 2.0
FLUSH_PAUSE_S: Final = 0.005
_PACKETS_PER_TURN: Final = 512
_UNSUPPORTED_VERSION: Final = "Unsupported protocol version"
_REFUSED_FOR_GOOD: Final = frozenset({"Bad user name or password", "Not authorized", "Bad authentication method", "Banned"})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is and who connects."""

    host: str
    port: int
    tls: bool
    username: str
    password: str = field(repr=False)
    client_id: str
    ca_file: Path | None = None

    @classmethod
    def parse(
        cls, url: str, *, username: str, password: str, client_id: str | None = None, ca_file: Path | None = None
    ) -> "BrokerAddress":
        """Read `mqtt://host:port` or `mqtts://host:port`.

        Raises:
            InvalidInput: another scheme, or no host.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise InvalidInput("a broker URL is mqtt://host:port or mqtts://host:port")
        tls = parts.scheme == "mqtts"
        port = parts.port or (8883 if tls else 1883)
        return cls(
            host=parts.hostname,
            port=port,
            tls=tls,
            username=username,
            password=password,
            client_id=client_id or username,
            ca_file=ca_file,
        )


@final
class MqttLink:
    """A persistent session whose messages are acknowledged by hand.

    MQTT 5 where the broker speaks it (its receive maximum bounds what is in flight), 3.1.1 elsewhere.

    Args:
        address: Where and who.
        receive_maximum: Most messages that may be unacknowledged.
        on_message: Called with (epoch, topic, payload, packet id) for each message; it must not raise.
        session_expiry_s: How long the broker keeps the session of a connection that is gone.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        receive_maximum: int,
        on_message: Callable[[int, str, bytes, int], None],
        session_expiry_s: int = SESSION_EXPIRY_S,
    ) -> None:
        self._session_expiry_s = session_expiry_s
        self._address = address
        self._receive_maximum = min(receive_maximum, 65_535)
        self._on_message = on_message
        self._client: BufferedClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._connected: asyncio.Future[str] | None = None
        self._granted: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._lost = asyncio.Event()
        self._confirmed = asyncio.Event()
        self._writing = False
        self._unconfirmed = 0
        self.epoch = 0
        """Counts connections; packet ids of an earlier one mean nothing."""

    @property
    def is_open(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._client is not None and self._client.is_connected()

    async def open(self) -> None:
        """Connect, or connect again.

        Raises:
            Unavailable: no answer, a certificate that is not trusted (another may be installed), or a refusal that may pass.
            InvalidInput: the broker refuses this user.
        """
        self._loop = asyncio.get_running_loop()
        client = self._client or self._new_client(MQTTProtocolVersion.MQTTv5)
        reason = await self._attempt(client)
        if reason == _UNSUPPORTED_VERSION:
            client = self._new_client(MQTTProtocolVersion.MQTTv311)
            reason = await self._attempt(client)
        if reason in _REFUSED_FOR_GOOD:
            raise InvalidInput(f"the broker refuses user {self._address.username}: correct its name or password")
        if reason != "Success":
            raise Unavailable(f"the broker refuses the connection: {reason}")
        self._client = client

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe at QoS 1.

        Raises:
            InvalidInput: the broker refuses a filter.
            Unavailable: no answer.
        """
        client, loop = self._open_client(), asyncio.get_running_loop()
        code, packet_id = client.subscribe([(name, 1) for name in filters])
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or packet_id is None:
            raise Unavailable("the connection to the broker was lost")
        granted = self._granted[packet_id] = loop.create_future()
        try:
            codes = await self._answer_to(client, granted)
        finally:
            self._granted.pop(packet_id, None)
        refused = [name for name, code in zip(filters, codes, strict=False) if code.is_failure]
        if refused:
            raise InvalidInput(f"the broker refuses the subscription {refused[0]} to user {self._address.username}")

    async def _answer_to(self, client: BufferedClient, granted: "asyncio.Future[list[ReasonCode]]") -> list[ReasonCode]:
        """Wait for a grant. The broker first sends what was not acknowledged: while that comes, or waits for room, it answers.

        Connecting anew instead would make all that waits come again, and under load nothing would ever be acknowledged.
        """
        heard_at = client.heard_at
        while not (await asyncio.wait({granted}, timeout=CONNECT_TIMEOUT_S))[0]:
            if not client.is_paused and client.heard_at == heard_at:
                raise Unavailable("the broker does not answer a subscription")
            heard_at = client.heard_at
            client.keep_alive()
        return granted.result()

    def acknowledge(self, epoch: int, packet_id: int) -> None:
        """Tell the broker that a message is stored; nothing when its connection is gone, for it comes again."""
        if epoch == self.epoch and self._client is not None and packet_id:
            self._client.ack(packet_id, 1)

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1, waiting while too much is unconfirmed; what is unconfirmed is sent again after a reconnect.

        Raises:
            Unavailable: not connected, or nothing could be queued.
        """
        client = self._open_client()
        if not client.is_connected():
            raise Unavailable("the connection to the broker was lost")
        while self._unconfirmed >= MAX_UNCONFIRMED:
            if client.is_paused:
                raise Unavailable("confirmations wait behind messages that there is no room for")
            self._confirmed.clear()
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._confirmed.wait()
            except TimeoutError as problem:
                raise Unavailable("the broker does not confirm what is published") from problem
        information = client.publish(topic, payload, qos=1)
        if information.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            raise Unavailable("the broker's queue is full")
        self._unconfirmed += 1

    def pause(self) -> None:
        """Stop reading, so that the broker keeps what comes next."""
        if self._client is not None and not self._client.is_paused:
            self._client.is_paused = True
            self._watch_reading(on=False)
            self._confirmed.set()

    def resume(self) -> None:
        """Read again."""
        if self._client is not None and self._client.is_paused:
            self._client.is_paused = False
            self._watch_reading(on=True)
            self._readable()

    async def wait_lost(self) -> None:
        """Keep the connection alive; return when it is lost."""
        while not self._lost.is_set():
            if self._client is not None:
                self._client.keep_alive()
            try:
                async with asyncio.timeout(1.0):
                    await self._lost.wait()
            except TimeoutError:
                continue

    def drop(self) -> None:
        """Cut the connection without a goodbye; the broker sends the unacknowledged again after the next `open`."""
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)

    async def flush(self) -> None:
        """Hand what is queued to the socket, for at most `FLUSH_TIMEOUT_S`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                while self._client is not None and self._socket is not None and self._client.is_unsent:  # noqa: ASYNC110  # paho tells nobody when its queue is empty
                    await asyncio.sleep(FLUSH_PAUSE_S)

    async def leave(self) -> None:
        """Say goodbye and wait until the broker has read all of it; the session stays there.

        A socket closed while something is unread is reset, and a reset throws away the acknowledgements still on their way.
        """
        await self.flush()
        client, connection, loop = self._client, self._socket, self._loop
        if client is None or connection is None or loop is None:
            return
        client.is_paused = True
        ended = asyncio.Event()
        with suppress(OSError, TimeoutError):
            client.send_goodbye()
            connection.shutdown(socket.SHUT_WR)
            loop.add_reader(connection, lambda: client.discard_received() or ended.set())
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                await ended.wait()

    def close(self) -> None:
        """Give the socket back; what was not said by `leave` is left unsaid."""
        if self._client is not None and self._client.socket() is not None:
            self._client.disconnect()
            self._client.loop_write()

    def _open_client(self) -> BufferedClient:
        if self._client is None:
            raise Unavailable("the broker has not been reached yet")
        return self._client

    def _new_client(self, version: MQTTProtocolVersion) -> BufferedClient:
        v5 = version == MQTTProtocolVersion.MQTTv5
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._address.client_id,
            clean_session=None if v5 else False,
            protocol=version,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context(cafile=self._address.ca_file))
        client.manual_ack_set(on=True)
        client.max_inflight_messages_set(MAX_UNCONFIRMED)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_publish_received = self._publish_received
        client.on_connect = self._connection_answered
        client.on_disconnect = self._connection_lost
        client.on_subscribe = self._subscription_answered
        client.on_publish = self._publish_confirmed
        client.on_socket_open = self._socket_opened
        client.on_socket_close = self._socket_closed
        client.on_socket_register_write = self._write_wanted
        return client

    async def _attempt(self, client: BufferedClient) -> str:
        """Connect and return the broker's reason in paho's words."""
        loop = asyncio.get_running_loop()
        self._connected, self._unconfirmed = loop.create_future(), 0
        self.epoch += 1  # from here on an acknowledgement of the last connection would hit another message
        self._lost.clear()
        try:
            await asyncio.to_thread(self._dial, client)
            self._attach(client)
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await self._connected
        except TimeoutError as problem:
            raise Unavailable("the broker does not answer") from problem
        except ssl.SSLCertVerificationError as problem:
            raise Unavailable(f"the broker's certificate is not trusted: {problem.verify_message}") from problem
        except OSError as problem:
            raise Unavailable(f"the broker cannot be reached at {self._address.host}:{self._address.port}") from problem

    def _dial(self, client: BufferedClient) -> None:
        """Open the socket; blocking, in a thread, while the event loop does not touch the client."""
        if client is self._client:
            client.reconnect()
        elif client.protocol == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self._session_expiry_s
            properties.ReceiveMaximum = self._receive_maximum
            client.connect(self._address.host, self._address.port, KEEPALIVE_S, clean_start=False, properties=properties)
        else:
            client.connect(self._address.host, self._address.port, KEEPALIVE_S)

    def _attach(self, client: BufferedClient) -> None:
        connection = client.socket()
        self._client, self._socket = client, connection if isinstance(connection, socket.socket) else None
        self._watch_reading(on=True)
        self._writable()

    def _watch_reading(self, *, on: bool) -> None:
        if self._socket is None or self._loop is None:
            return
        if on:
            self._loop.add_reader(self._socket, self._readable)
        else:
            self._loop.remove_reader(self._socket)

    def _readable(self) -> None:
        """Take packets, at most so many in one turn of the loop."""
        if self._client is not None and self._client.take_packets(_PACKETS_PER_TURN) and self._loop is not None:
            self._loop.call_soon(self._readable)

    def _write_wanted(self, client: object, userdata: object, sock: object) -> None:
        del client, userdata, sock
        if self._socket is not None and not self._writing and self._loop is not None:
            self._writing = True
            self._loop.call_soon(self._writable)

    def _writable(self) -> None:
        client, loop, connection = self._client, self._loop, self._socket
        self._writing = False
        if client is None or loop is None or connection is None:
            return
        client.loop_write()
        if self._socket is None:
            return
        try:
            done = client.send_buffered()
        except OSError:
            self.drop()
            return
        if done:
            loop.remove_writer(connection)
        else:
            self._writing = True
            loop.add_writer(connection, self._writable)

    def _socket_opened(self, client: Client, userdata: object, sock: object) -> None:
        del userdata, sock
        if isinstance(client, BufferedClient):
            client.reset_buffers()

    def _socket_closed(self, client: object, userdata: object, sock: object) -> None:
        del client, userdata
        closing = self._socket
        if self._loop is not None and closing is not None and sock is closing:
            self._loop.remove_reader(closing)
            self._loop.remove_writer(closing)
            self._socket = None

    def _connection_answered(
        self, client: object, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, userdata, flags, properties
        if self._connected is not None and not self._connected.done():
            self._connected.set_result(str(reason))

    def _connection_lost(
        self, client: object, userdata: object, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del userdata, flags, properties
        if client is not self._client:
            return
        self.epoch += 1
        if self._connected is not None and not self._connected.done():  # never stood: another MQTT version may be tried next
            self._connected.set_exception(ConnectionResetError())
        else:
            _log.info("broker_connection_ended", reason=str(reason))
        for granted in self._granted.values():
            if not granted.done():
                granted.set_exception(Unavailable("the connection to the broker was lost"))
        self._lost.set()

    def _subscription_answered(
        self, client: object, userdata: object, packet_id: int, codes: list[ReasonCode], properties: Properties | None
    ) -> None:
        del client, userdata, properties
        granted = self._granted.get(packet_id)
        if granted is not None and not granted.done():
            granted.set_result(codes)

    def _publish_confirmed(
        self, client: object, userdata: object, packet_id: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, userdata, packet_id, reason, properties
        self._unconfirmed = max(0, self._unconfirmed - 1)
        self._confirmed.set()

    def _publish_received(self, topic: str, payload: bytes, packet_id: int) -> None:
        self._on_message(self.epoch, topic, payload, packet_id)
