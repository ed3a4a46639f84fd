"""How statements travel: a JSON envelope, the 129-byte binary one, and journals of many."""

import json
from collections.abc import Callable, Sequence
from typing import Final

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.domain.verdicts import Reason
from devices.frame import FrameRefused, RefusedEntry, UnverifiedFrame
from devices.keys import SIGNATURE_SIZE, key_text, parse_key, parse_signature, signature_text
from devices.statement import MAX_U64, STATEMENT_SIZE, decode_statement, encode_statement
from devices.strict_json import as_object, check_fields, integer_field, load_json, text_field

MAX_READING_BYTES: Final = 4 * 1024
MAX_JOURNAL_BYTES: Final = 64 * 1024
MAX_JOURNAL_STATEMENTS: Final = 256
BINARY_VERSION: Final = 0x01
BINARY_SIZE: Final = 1 + STATEMENT_SIZE + SIGNATURE_SIZE
JSON_VERSION: Final = 1

_REQUIRED: Final = frozenset({"v", "kind", "meter_id", "sequence", "measured_at", "generation_wh", "consumption_wh", "signature"})
_OPTIONAL: Final = frozenset({"public_key", "extras"})
_KIND_OF_NAME: Final = {"register": StatementKind.REGISTER, "interval": StatementKind.INTERVAL}
_NAME_OF_KIND: Final = {kind: name for name, kind in _KIND_OF_NAME.items()}
_CLAIM_SIZE: Final = 20


def encode_binary(statement: Statement, signature: bytes) -> bytes:
    """The binary envelope: 129 bytes."""
    return bytes((BINARY_VERSION,)) + encode_statement(statement) + signature


def encode_json(
    statement: Statement, signature: bytes, *, public_key: bytes | None = None, extras: dict[str, object] | None = None
) -> bytes:
    """The JSON envelope.

    Args:
        statement: what was signed.
        signature: 64 bytes.
        public_key: 32 bytes, a hint only.
        extras: unsigned, shown to people.
    """
    envelope: dict[str, object] = {
        "v": JSON_VERSION,
        "kind": _NAME_OF_KIND[statement.kind],
        "meter_id": statement.meter_id,
        "sequence": statement.sequence,
        "measured_at": statement.measured_at,
        "generation_wh": statement.generation_wh,
        "consumption_wh": statement.consumption_wh,
        "signature": signature_text(signature),
    }
    if public_key is not None:
        envelope["public_key"] = key_text(public_key)
    if extras is not None:
        envelope["extras"] = extras
    return json.dumps(envelope, separators=(",", ":"), allow_nan=False).encode()


def encode_journal(binary_envelopes: Sequence[bytes]) -> list[bytes]:
    """Binary envelopes, oldest first, packed into as few journal messages as the limits allow."""
    return [
        b"".join(binary_envelopes[start : start + MAX_JOURNAL_STATEMENTS])
        for start in range(0, len(binary_envelopes), MAX_JOURNAL_STATEMENTS)
    ]


def decode_reading(payload: bytes, *, network: bytes) -> UnverifiedFrame:
    """Read one envelope, JSON or binary.

    Args:
        payload: the message.
        network: the 8 bytes of this deployment; a JSON envelope does not carry them, its signature does.

    Raises:
        FrameRefused: too large or malformed.
    """
    if len(payload) > MAX_READING_BYTES:
        raise FrameRefused(_refused(payload, "a reading message is at most 4 KiB"))
    try:
        if payload[:1] == bytes((BINARY_VERSION,)):
            return decode_binary(payload)
        return _decode_json_fields(load_json(payload), network)
    except InvalidInput as problem:
        raise FrameRefused(_refused(payload, str(problem))) from problem


def decode_journal(payload: bytes, *, network: bytes) -> list[UnverifiedFrame | RefusedEntry]:
    """Read a journal: concatenated binary envelopes or a JSON array; one bad entry does not take the others down.

    Raises:
        FrameRefused: the message as a whole is beyond its limits, empty, or no journal.
    """
    if not payload or len(payload) > MAX_JOURNAL_BYTES:
        raise FrameRefused(_refused(payload, "a journal message is 1 byte to 64 KiB"))
    if payload[:1] == bytes((BINARY_VERSION,)):
        return _decode_binary_journal(payload)
    return _decode_json_journal(payload, network)


def decode_binary(payload: bytes) -> UnverifiedFrame:
    """Read one binary envelope of exactly 129 bytes, or raise InvalidInput."""
    if len(payload) != BINARY_SIZE or payload[0] != BINARY_VERSION:
        raise InvalidInput("a binary envelope is 129 bytes and begins with 0x01")
    signed_bytes = payload[1 : 1 + STATEMENT_SIZE]
    return UnverifiedFrame(
        statement=decode_statement(signed_bytes), signed_bytes=signed_bytes, signature=payload[1 + STATEMENT_SIZE :]
    )


def _decode_binary_journal(payload: bytes) -> list[UnverifiedFrame | RefusedEntry]:
    """A tail that is shorter than an envelope is refused alone: what is complete counts."""
    if len(payload) > MAX_JOURNAL_STATEMENTS * BINARY_SIZE:
        raise FrameRefused(_refused(payload, "a journal message holds at most 256 statements"))
    parts = [payload[start : start + BINARY_SIZE] for start in range(0, len(payload), BINARY_SIZE)]
    return [_entry(part, lambda part=part: decode_binary(part)) for part in parts]


def _decode_json_journal(payload: bytes, network: bytes) -> list[UnverifiedFrame | RefusedEntry]:
    try:
        entries = load_json(payload)
    except InvalidInput as problem:
        raise FrameRefused(_refused(payload, str(problem))) from problem
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_JOURNAL_STATEMENTS:
        raise FrameRefused(_refused(payload, "a JSON journal is an array of 1 to 256 envelopes"))
    return [_entry(json.dumps(entry).encode(), lambda entry=entry: _decode_json_fields(entry, network)) for entry in entries]


def _entry(payload: bytes, decode: Callable[[], UnverifiedFrame]) -> UnverifiedFrame | RefusedEntry:
    try:
        return decode()
    except InvalidInput as problem:
        return _refused(payload, str(problem))


def _decode_json_fields(value: object, network: bytes) -> UnverifiedFrame:
    fields = as_object(value)
    check_fields(fields, required=_REQUIRED, optional=_OPTIONAL)
    if integer_field(fields, "v", most=255) != JSON_VERSION:
        raise InvalidInput("this platform reads version 1 of the envelope")
    kind = _KIND_OF_NAME.get(text_field(fields, "kind"))
    if kind is None:
        raise InvalidInput("field kind is register or interval")
    statement = Statement(
        kind=kind,
        network=network,
        meter_id=parse_meter_id(text_field(fields, "meter_id")),
        sequence=integer_field(fields, "sequence", most=MAX_U64),
        measured_at=integer_field(fields, "measured_at", most=MAX_U64),
        generation_wh=integer_field(fields, "generation_wh", most=MAX_U64),
        consumption_wh=integer_field(fields, "consumption_wh", most=MAX_U64),
    )
    return UnverifiedFrame(
        statement=statement,
        signed_bytes=encode_statement(statement),
        signature=parse_signature(text_field(fields, "signature")),
        key_hint=parse_key(text_field(fields, "public_key")) if "public_key" in fields else None,
        extras=_extras_text(fields["extras"]) if "extras" in fields else None,
    )


def _extras_text(extras: object) -> str:
    try:
        return json.dumps(as_object(extras), separators=(",", ":"), allow_nan=False)
    except ValueError as problem:
        raise InvalidInput("field extras holds a number that is not finite") from problem


def _refused(payload: bytes, detail: str) -> RefusedEntry:
    """Look what the payload claims to be, so that an operator finds it; nothing in it is believed."""
    meter_id, sequence = "", ""
    try:
        if payload[:1] == bytes((BINARY_VERSION,)):
            statement = decode_statement(payload[1 : 1 + STATEMENT_SIZE])
            meter_id, sequence = str(statement.meter_id), str(statement.sequence)
        elif len(payload) <= MAX_READING_BYTES:
            fields = as_object(load_json(payload))
            meter_id, sequence = str(fields.get("meter_id", "")), str(fields.get("sequence", ""))
    except InvalidInput:
        pass  # it claims nothing readable
    printable = "".join(letter for letter in meter_id if letter.isascii() and letter.isprintable())
    return RefusedEntry(
        reason=Reason.MALFORMED,
        detail=detail,
        payload=payload,
        claimed_meter_id=printable[:64],
        claimed_sequence=sequence[:_CLAIM_SIZE] if sequence.isascii() and sequence.isdigit() else "",
    )
