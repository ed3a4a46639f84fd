"""The packet codec of the embedded broker's hot path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import packets
from broker.packets import PacketBuffer, ProtocolViolation


@given(
    messages=st.lists(st.tuples(st.text(min_size=1, max_size=30), st.binary(max_size=400), st.integers(0, 65_535)), max_size=8),
    cuts=st.lists(st.integers(1, 50), max_size=60),
)
def test_packets_come_out_whole_however_the_stream_is_cut(messages: list[tuple[str, bytes, int]], cuts: list[int]):
    messages = [(topic.encode("utf-8", "ignore").decode() or "t", payload, number) for topic, payload, number in messages]
    stream = b"".join(packets.publish(packets.topic_field(t), p, packet_id=n) for t, p, n in messages)
    buffer = PacketBuffer(10_000)

    received: list[tuple[str, bytes, int]] = []
    at = 0
    for size in [*cuts, len(stream)]:
        for first, body in buffer.feed(stream[at : at + size]):
            message = packets.read_publish(first, body)
            received.append((message.topic, message.payload, message.packet_id))
        at += size

    assert received == messages


def test_a_packet_over_the_limit_is_refused_before_its_body_arrives():
    with pytest.raises(ProtocolViolation):
        list(PacketBuffer(1_000).feed(b"\x30\xe9\x07"))


@pytest.mark.parametrize("stream", [b"\x30\xff\xff\xff\xff\x01", b"\x30\x80\x80\x80\x80\x00"])
def test_a_length_of_five_bytes_is_refused(stream: bytes):
    with pytest.raises(ProtocolViolation):
        list(PacketBuffer(1_000).feed(stream))


@pytest.mark.parametrize(
    ("first", "body"),
    [
        (0x36, b"\0\x01a\0\x01"),  # QoS 3
        (0x32, b"\0\x01a\0\0"),  # packet id 0
        (0x30, b"\0\x09a"),  # topic longer than the packet
        (0x30, b"\0"),
        (0x30, b""),
        (0x30, b"\0\x01\xff"),  # no UTF-8
        (0x30, b"\0\x03\xed\xa0\x80"),  # a surrogate
        (0x32, b"\0\x01a\0"),
    ],
)
def test_a_malformed_publish_is_refused(first: int, body: bytes):
    with pytest.raises(ProtocolViolation):
        packets.read_publish(first, body)


@pytest.mark.parametrize("body", [b"\0\x01", b"\0\x01\0\x01a", b"\0\x01\0\x01a\x03", b"\0\x01\0\x09a\0", b"\0\x01\0"])
def test_a_malformed_subscribe_is_refused(body: bytes):
    with pytest.raises(ProtocolViolation):
        packets.read_subscribe(body)


def test_a_subscribe_is_read():
    assert packets.read_subscribe(b"\0\x01\0\x01a\x01\0\x03b/#\x00") == [("a", 1), ("b/#", 0)]
    assert packets.read_unsubscribe(b"\0\x01\0\x01a\0\x01b") == ["a", "b"]
