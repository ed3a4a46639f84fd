"""The decoders of what devices send: binary frames, JSON envelopes, journals, interval bodies."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Final, final

from devices.envelope import decode_journal, decode_reading, encode_binary, encode_journal, encode_json
from devices.frame import FrameRefused, RefusedEntry, UnverifiedFrame
from devices.interval_body import decode_interval_body
from devices.statement import encode_statement
from tests.fuzz.door import Door, Try
from tests.fuzz.mutations import bent, bent_object, fields_of, noise
from tests.fuzz.samples import any_statement, interval_object
from tests.support.enrolled import NETWORK

READING, JOURNAL, INTERVAL = b"r", b"j", b"i"
_SIGNATURES: Final = tuple(bytes((number,)) * 64 for number in range(256))
"""The decoders look at no signature, so that none is made."""


@final
class FramesDoor(Door):
    """One byte that chooses the decoder, then the message."""

    name = "frames"
    share = 330
    batch = 64
    labels = frozenset({"read", "malformed", "wallet_invalid", "journal with refused parts", "read a journal"})
    least: Mapping[str, float] = {"read": 15, "malformed": 20, "wallet_invalid": 0.3, "read a journal": 1}

    def make(self, random: Random) -> Try:
        return random.choice(_MAKERS)(random)

    async def give(self, data: bytes) -> str:
        try:
            return _DECODERS.get(data[:1], _reading)(data[1:])
        except FrameRefused as refusal:
            _check_refused(refusal.refused, data[1:])
            return refusal.refused.reason.value


def _reading(data: bytes) -> str:
    frame = decode_reading(data, network=NETWORK)
    _check_frame(frame)
    if data[:1] == b"\x01":
        assert encode_binary(frame.statement, frame.signature) == data
    return "read"


def _journal(data: bytes) -> str:
    parts = decode_journal(data, network=NETWORK)
    assert 1 <= len(parts) <= 256
    for part in parts:
        if isinstance(part, RefusedEntry):
            _check_refused(part, data)
        else:
            _check_frame(part)
    refused = any(isinstance(part, RefusedEntry) for part in parts)
    return "journal with refused parts" if refused else "read a journal"


def _interval(data: bytes) -> str:
    frame = decode_interval_body(data, network=NETWORK)
    _check_frame(frame)
    assert not (frame.statement.generation_wh and frame.statement.consumption_wh)
    return "read"


_DECODERS: Final[Mapping[bytes, Callable[[bytes], str]]] = {READING: _reading, JOURNAL: _journal, INTERVAL: _interval}


def _check_frame(frame: UnverifiedFrame) -> None:
    """What was read is what was signed, and fits where it goes."""
    assert encode_statement(frame.statement) == frame.signed_bytes
    assert len(frame.signature) == 64
    assert frame.key_hint is None or len(frame.key_hint) == 32
    assert frame.extras is None or isinstance(json.loads(frame.extras), dict)
    hash(replace(frame.statement))


def _check_refused(refused: RefusedEntry, data: bytes) -> None:
    """A row of it can be written, whatever it claims."""
    assert refused.detail
    assert len(refused.claimed_meter_id) <= 64
    assert refused.claimed_meter_id.isascii()
    assert refused.claimed_meter_id == "" or refused.claimed_meter_id.isprintable()
    assert refused.claimed_sequence == "" or (refused.claimed_sequence.isdigit() and len(refused.claimed_sequence) <= 20)
    assert len(refused.payload) <= max(len(data), 6 * len(data))


def _binary(random: Random) -> bytes:
    _, statement = any_statement(random)
    return encode_binary(statement, random.choice(_SIGNATURES))


def _envelope(random: Random) -> dict[str, object]:
    device, statement = any_statement(random)
    extras: dict[str, object] | None = {"voltage_v": 231.2, "note": "a\u00fc"} if random.random() < 0.2 else None
    data = encode_json(statement, random.choice(_SIGNATURES), public_key=device.key.public_key, extras=extras)
    fields: dict[str, object] = json.loads(data)
    return fields


def _body(random: Random) -> dict[str, object]:
    device, statement = any_statement(random)
    one_way = replace(
        statement, consumption_wh=0, generation_wh=statement.generation_wh % 2**63, measured_at=random.randrange(2**34)
    )
    return interval_object(device, one_way)


def _valid_binary(random: Random) -> Try:
    return Try(READING + _binary(random), "read")


def _valid_json(random: Random) -> Try:
    return Try(READING + json.dumps(_envelope(random)).encode(), "read")


def _valid_body(random: Random) -> Try:
    return Try(INTERVAL + json.dumps(_body(random)).encode(), "read")


def _bent_binary(random: Random) -> Try:
    return Try(READING + bent(random, _binary(random)))


def _bent_json(random: Random) -> Try:
    return Try(READING + bent_object(random, fields_of(_envelope(random))))


def _bent_body(random: Random) -> Try:
    return Try(INTERVAL + bent_object(random, fields_of(_body(random))))


def _short_wallet(random: Random) -> Try:
    fields = _body(random) | {"wallet_address": random.choice(("", "1", "0OIl", "1" * 45, "\u00fc", "A" * 44, "\x00"))}
    return Try(INTERVAL + json.dumps(fields).encode())


def _valid_journal(random: Random) -> Try:
    many = random.choice((1, 2, 5, 20))
    return Try(JOURNAL + encode_journal([_binary(random) for _ in range(many)])[0], "read a journal")


def _bent_journal(random: Random) -> Try:
    if random.random() < 0.5:
        parts = [_binary(random) for _ in range(random.choice((1, 3, 8)))]
        return Try(JOURNAL + bent(random, b"".join(parts), parts))
    entries = [bent_object(random, fields_of(_envelope(random))) for _ in range(random.choice((1, 2, 3)))]
    return Try(JOURNAL + b"[" + b",".join(entries) + b"]")


def _noise(random: Random) -> Try:
    return Try(random.choice((READING, JOURNAL, INTERVAL)) + random.choice((b"", b"\x01", b"{", b"[")) + noise(random))


_MAKERS: Final = (
    _valid_binary,
    _valid_json,
    _valid_body,
    _bent_binary,
    _bent_binary,
    _bent_binary,
    _bent_json,
    _bent_json,
    _bent_json,
    _bent_body,
    _bent_body,
    _short_wallet,
    _valid_journal,
    _bent_journal,
    _noise,
)
