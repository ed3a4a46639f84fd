import json
from typing import Any

import pytest

from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.domain.verdicts import Reason
from devices.envelope import BINARY_SIZE, decode_journal, decode_reading, encode_binary, encode_journal, encode_json
from devices.frame import FrameRefused, RefusedEntry, UnverifiedFrame
from devices.keys import DeviceKey
from devices.statement import encode_statement

NETWORK = bytes(range(8))
KEY = DeviceKey(bytes(range(32)))


def signed(sequence: int = 42) -> tuple[Statement, bytes]:
    statement = Statement(
        kind=StatementKind.REGISTER,
        network=NETWORK,
        meter_id=parse_meter_id("MTR-001"),
        sequence=sequence,
        measured_at=1_700_000_000,
        generation_wh=25_000,
        consumption_wh=10_000,
    )
    return statement, KEY.sign(encode_statement(statement))


def envelope(**changes: Any) -> bytes:
    fields = json.loads(encode_json(*signed(), public_key=KEY.public_key, extras={"voltage_v": 231.2}))
    fields.update(changes)
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def refusal(payload: bytes) -> RefusedEntry:
    with pytest.raises(FrameRefused) as caught:
        decode_reading(payload, network=NETWORK)
    return caught.value.refused


def test_the_json_envelope_rebuilds_the_signed_bytes():
    frame = decode_reading(envelope(), network=NETWORK)

    assert frame.signed_bytes == encode_statement(signed()[0])
    assert frame.key_hint == KEY.public_key
    assert frame.extras == '{"voltage_v":231.2}'


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"\x02" + bytes(128),
        b"[" * 4_000,
        envelope() + b" x",
        envelope() + envelope(),
        envelope(surprise=1),
        envelope(sequence=...),
        envelope(sequence=1.0),
        envelope(sequence=True),
        envelope(sequence="42"),
        envelope(sequence=-1),
        envelope(sequence=2**64),
        envelope(generation_wh=0.5),
        envelope(measured_at=None),
        envelope(v=2),
        envelope(kind="registers"),
        envelope(meter_id=".."),
        envelope(meter_id="a" * 17),
        envelope(signature="x"),
        envelope(public_key="0"),
        envelope(extras=[]),
        envelope(extras={"x": "y" * 4_100}),
        envelope().replace(b'"v": 1', b'"v": 1, "v": 1'),
        envelope().replace(b"231.2", b"NaN"),
        envelope().replace(b"231.2", b"1e999"),
        envelope().replace(b"231.2", b"Infinity"),
        envelope().replace(b'"sequence": 42', b'"sequence": 1' + b"0" * 3_000),
        encode_binary(*signed())[:-1],
        encode_binary(*signed()) + b"\0",
        b"\x01GTXREG\0\x02" + encode_binary(*signed())[9:],
    ],
)
def test_anything_else_is_malformed(payload: bytes):
    assert refusal(payload).reason is Reason.MALFORMED


def test_a_refused_frame_says_what_it_claims_to_be():
    refused = refusal(envelope(surprise=1))

    assert (refused.claimed_meter_id, refused.claimed_sequence) == ("MTR-001", "42")
    assert refusal(envelope(meter_id="a\n\u202e" * 50, sequence=10**40)).claimed_meter_id == "a" * 50


def test_a_journal_of_many_is_packed_within_its_limits():
    envelopes = [encode_binary(*signed(sequence)) for sequence in range(1, 601)]

    messages = encode_journal(envelopes)

    assert [len(message) // BINARY_SIZE for message in messages] == [256, 256, 88]
    frames = [frame for message in messages for frame in decode_journal(message, network=NETWORK)]
    assert [frame.statement.sequence for frame in frames if isinstance(frame, UnverifiedFrame)] == list(range(1, 601))


def test_one_bad_entry_does_not_take_the_others_of_a_journal_down():
    good = encode_binary(*signed())
    bad = b"\x01" + bytes(128)

    binary = decode_journal(good + bad + good + b"\x01tail", network=NETWORK)
    text = decode_journal(b"[" + envelope() + b"," + envelope(surprise=1) + b"]", network=NETWORK)

    assert [type(entry) for entry in binary] == [UnverifiedFrame, RefusedEntry, UnverifiedFrame, RefusedEntry]
    assert [type(entry) for entry in text] == [UnverifiedFrame, RefusedEntry]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b"x",
        b"\x01" * (64 * 1024 + 1),
        b"\x01" * (BINARY_SIZE * 257),
        b"[" + b"1," * 256 + b"1]",
        b"[" + envelope() + b" " * 65_536 + b"]",
    ],
)
def test_a_journal_beyond_its_limits_is_refused_whole(payload: bytes):
    with pytest.raises(FrameRefused):
        decode_journal(payload, network=NETWORK)
