"""paho-mqtt's client with its hot path shortened: one `recv` for many packets, one `send` for many acknowledgements.

paho reads a packet in four system calls and wraps each message in objects that nobody here looks at, which costs more than the
message's signature. Everything but an incoming PUBLISH of QoS 0 or 1 is left to paho.
"""

import socket
import ssl
import time
from collections.abc import Callable
from typing import Final, final

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes

from core.domain.errors import InvalidInput

_RECEIVE_BYTES: Final = 262_144
_UNSENT_LIMIT_BYTES: Final = 1_048_576
_LARGEST_PACKET_BYTES: Final = 1_048_576
"""Far above the protocol's largest message."""
_QOS_2: Final = 0x04

PublishReceived = Callable[[str, bytes, int], None]
"""(topic, payload, packet id or 0): a message to store and acknowledge. It must not raise."""


@final
class BufferedClient(Client):
    """For an event loop of one's own: `take_packets` when the socket is readable, `send_buffered` after `loop_write`."""

    on_publish_received: PublishReceived | None = None
    is_paused: bool = False
    """Whether packets stay where they are."""
    _received: bytes = b""
    _position: int = 0
    _unsent: bytearray = bytearray()

    def reset_buffers(self) -> None:
        """Forget what belonged to the last connection."""
        self._received, self._position, self._unsent, self.is_paused = b"", 0, bytearray(), False

    def take_packets(self, most: int) -> bool:
        """Handle at most so many packets; True when there may be more, so that the event loop has its turn in between."""
        for _ in range(most):
            if self.is_paused:
                return False
            found = self._next_packet()
            while found is None:
                if not self._receive():
                    return False
                found = self._next_packet()
            code = self._handle(*found)
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._loop_rc_handle(code)
                return False
        return True

    @property
    def heard_at(self) -> float:
        """When the broker was last heard, monotonic seconds."""
        return self._last_bytes_received

    def keep_alive(self) -> None:
        """Send the pings that are due. While packets stay where they are the answer does too: its absence ends nothing."""
        if self.is_paused:
            self._ping_t = 0.0
        self.loop_misc()

    def send_buffered(self) -> bool:
        """Send what is buffered as far as the socket takes it; True when nothing is left.

        Raises:
            OSError: the connection broke.
        """
        connection = self.socket()
        if connection is None or not self._unsent:
            return True
        try:
            sent = connection.send(self._unsent)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        del self._unsent[:sent]
        return not self._unsent

    @property
    def is_unsent(self) -> bool:
        """Whether anything waits for the socket."""
        return self.want_write() or bool(self._unsent)

    def send_goodbye(self) -> None:
        """Send DISCONNECT (normal, without properties) and keep the socket, which paho would close at once.

        Raises:
            OSError: the connection broke.
        """
        self._unsent += bytes((PacketTypes.DISCONNECT << 4, 0))
        self.send_buffered()

    def discard_received(self) -> bool:
        """Throw away what has come; False when the broker has closed its side."""
        connection = self.socket()
        try:
            return connection is not None and bool(connection.recv(_RECEIVE_BYTES))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            return False

    def _receive(self) -> bool:
        """One `recv`; False when there was nothing or the connection ended."""
        connection = self.socket()
        if connection is None:
            return False
        try:
            data = connection.recv(_RECEIVE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            data = b""
        if not data:
            self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            return False
        self._received, self._position = self._received[self._position :] + data, 0
        self._last_bytes_received = time.monotonic()
        return True

    def _next_packet(self) -> tuple[int, bytes] | None:
        """Cut (first byte, body) off the buffer; None when it is not complete. A bad length is cut as an invalid packet."""
        data, start = self._received, self._position
        length, shift, at = 0, 0, start + 1
        while True:
            if at >= len(data):
                return None
            byte = data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 21:
                break
        if byte >= 0x80 or length > _LARGEST_PACKET_BYTES:
            return 0, b""
        if at + length > len(data):
            return None
        self._position = at + length
        return data[start], data[at : self._position]

    def _handle(self, first: int, body: bytes) -> MQTTErrorCode:
        if first >> 4 == PacketTypes.PUBLISH and not first & _QOS_2 and self.on_publish_received is not None:
            return self._handle_message(first, body, self.on_publish_received)
        self._in_packet = {
            "command": first,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        try:
            return self._packet_handle()
        except MalformedPacket:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _handle_message(self, first: int, body: bytes, receive: PublishReceived) -> MQTTErrorCode:
        end = 2 + int.from_bytes(body[:2], "big")
        at, packet_id = end, 0
        if first & 0x06:
            at, packet_id = end + 2, int.from_bytes(body[end : end + 2], "big")
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            at = _after_properties(body, at)
        if at > len(body):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        receive(body[2:end].decode(errors="replace"), body[at:], packet_id)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _sock_send(self, buf: bytes | bytearray) -> int:
        if len(self._unsent) >= _UNSENT_LIMIT_BYTES:
            raise BlockingIOError
        self._unsent += buf
        return len(buf)

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """As paho's, but a socket whose handshake fails is closed: a broker with a bad certificate is tried again and again."""
        if self._ssl_context is None:
            raise InvalidInput("TLS was asked for and not configured")
        return self._ssl_context.wrap_socket(tcp_sock, server_hostname=self._host)

    def _sock_close(self) -> None:
        """Send a buffered DISCONNECT before the socket goes."""
        try:
            self.send_buffered()
        except OSError:
            self._unsent.clear()
        super()._sock_close()


def _after_properties(body: bytes, at: int) -> int:
    """Where the payload begins: after the length of the properties and the properties, which say nothing to us."""
    length, shift = 0, 0
    for byte in body[at : at + 4]:
        at += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return at + length
        shift += 7
    return len(body) + 1
