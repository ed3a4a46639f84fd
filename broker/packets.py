"""MQTT 3.1.1 packets of the hot path: cut from a byte stream and built without a coroutine per field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CONNECT: Final = 1
PUBLISH: Final = 3
PUBACK: Final = 4
PUBREC: Final = 5
PUBREL: Final = 6
PUBCOMP: Final = 7
SUBSCRIBE: Final = 8
UNSUBSCRIBE: Final = 10
UNSUBACK: Final = 11
PINGREQ: Final = 12
DISCONNECT: Final = 14

PINGRESP_PACKET: Final = b"\xd0\x00"
SUBSCRIPTION_REFUSED: Final = 0x80

ACCEPTED: Final = 0
REFUSED_VERSION: Final = 1
REFUSED_UNAVAILABLE: Final = 3
REFUSED_NOT_AUTHORISED: Final = 5

_MAX_LENGTH_BYTES: Final = 4


class ProtocolViolation(Exception):  # noqa: N818  # named after what the client did
    """The client sent what MQTT forbids or what exceeds a limit; the connection ends."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A received PUBLISH."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int


class PacketBuffer:
    """Cuts a stream into packets and holds at most one incomplete packet.

    Args:
        max_packet_bytes: Largest allowed packet body, in bytes.
    """

    def __init__(self, max_packet_bytes: int) -> None:
        self._max = max_packet_bytes
        self._held = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (first byte, body) of each packet completed by `data`.

        Raises:
            ProtocolViolation: a packet is larger than allowed, or its length is no length.
        """
        held = self._held + data if self._held else data
        position = 0
        try:
            while (found := self._next(held, position)) is not None:
                first, start, position = found
                yield first, held[start:position]
        finally:
            self._held = held[position:]

    def _next(self, held: bytes, position: int) -> tuple[int, int, int] | None:
        size = len(held)
        length, shift, at = 0, 0, position + 1
        while True:
            if at >= size:
                return None
            byte = held[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift >= 7 * _MAX_LENGTH_BYTES:
                raise ProtocolViolation("a remaining length has at most four bytes")
        if length > self._max:
            raise ProtocolViolation("the packet is larger than the broker takes")
        end = at + length
        return (held[position], at, end) if end <= size else None


def read_publish(first: int, body: bytes) -> Publish:
    """Decode a PUBLISH body.

    Raises:
        ProtocolViolation: too short, QoS 3, packet id 0, or a topic that is not UTF-8.
    """
    qos = (first >> 1) & 3
    topic_end = 2 + int.from_bytes(body[:2], "big")
    start = topic_end + 2 if qos else topic_end
    if qos > 2 or len(body) < start or len(body) < 2:
        raise ProtocolViolation("malformed PUBLISH")
    packet_id = int.from_bytes(body[topic_end:start], "big")
    if qos and not packet_id:
        raise ProtocolViolation("a packet id is not zero")
    return Publish(_text(body[2:topic_end]), body[start:], qos, bool(first & 1), packet_id)


def read_packet_id(body: bytes) -> int:
    """The packet id a body begins with.

    Raises:
        ProtocolViolation: too short.
    """
    if len(body) < 2:
        raise ProtocolViolation("a packet id has two bytes")
    return int.from_bytes(body[:2], "big")


def read_subscribe(body: bytes) -> list[tuple[str, int]]:
    """The (filter, QoS) pairs of a SUBSCRIBE body, after its packet id.

    Raises:
        ProtocolViolation: malformed, or no filter at all.
    """
    filters: list[tuple[str, int]] = []
    at = 2
    while at < len(body):
        text, at = _prefixed(body, at)
        if at >= len(body) or body[at] > 2:
            raise ProtocolViolation("malformed SUBSCRIBE")
        filters.append((text, body[at]))
        at += 1
    if not filters:
        raise ProtocolViolation("a SUBSCRIBE names a filter")
    return filters


def read_unsubscribe(body: bytes) -> list[str]:
    """The filters of an UNSUBSCRIBE body, after its packet id.

    Raises:
        ProtocolViolation: malformed.
    """
    filters: list[str] = []
    at = 2
    while at < len(body):
        text, at = _prefixed(body, at)
        filters.append(text)
    return filters


def topic_field(topic: str) -> bytes:
    """A topic as PUBLISH carries it: two length bytes and UTF-8."""
    encoded = topic.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def publish(topic: bytes, payload: bytes, *, packet_id: int, retain: bool = False, again: bool = False) -> bytes:
    """A PUBLISH; QoS 1 with a packet id, QoS 0 with packet id 0. `topic` comes from `topic_field`."""
    first = PUBLISH << 4 | (2 if packet_id else 0) | (1 if retain else 0) | (8 if again else 0)
    identifier = packet_id.to_bytes(2, "big") if packet_id else b""
    return b"".join((_header(first, len(topic) + len(identifier) + len(payload)), topic, identifier, payload))


def acknowledgement(packet_type: int, packet_id: int) -> bytes:
    """PUBACK, PUBREC, PUBCOMP or UNSUBACK (type 11) for a packet id."""
    flags = 2 if packet_type == PUBREL else 0
    return bytes((packet_type << 4 | flags, 2)) + packet_id.to_bytes(2, "big")


def connack(code: int, *, session_present: bool = False) -> bytes:
    """The answer to CONNECT."""
    return bytes((0x20, 2, 1 if session_present and not code else 0, code))


def suback(packet_id: int, codes: list[int]) -> bytes:
    """The answer to SUBSCRIBE: per filter the granted QoS or `SUBSCRIPTION_REFUSED`."""
    return _header(0x90, 2 + len(codes)) + packet_id.to_bytes(2, "big") + bytes(codes)


def _header(first: int, length: int) -> bytes:
    out = bytearray((first,))
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out.append(length)
    return bytes(out)


def _prefixed(body: bytes, at: int) -> tuple[str, int]:
    end = at + 2 + int.from_bytes(body[at : at + 2], "big")
    if end > len(body) or at + 2 > len(body):
        raise ProtocolViolation("a text is longer than its packet")
    return _text(body[at + 2 : end]), end


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        raise ProtocolViolation("a text is not UTF-8") from problem
