"""The HTTP door's interval body, rebuilt into the 64 bytes that the meter signed."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.domain.units import kwh_from_wh, wh_from_kwh
from core.domain.verdicts import Reason
from devices.envelope import MAX_READING_BYTES
from devices.frame import FrameRefused, RefusedEntry, UnverifiedFrame
from devices.keys import key_text, parse_key, parse_signature, signature_text
from devices.statement import MAX_U64, encode_statement
from devices.strict_json import check_fields, exact_decimal, integer_field, load_object, text_field

_REQUIRED: Final = frozenset({"meter_id", "wallet_address", "kwh_amount", "reading_timestamp", "meter_signature", "sequence"})
_OPTIONAL: Final = frozenset({"public_key"})
_RFC_3339: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([Zz]|[+-][0-9]{2}:[0-9]{2})")


def decode_interval_body(payload: bytes, *, network: bytes) -> UnverifiedFrame:
    """Read the interval body; the frame carries the wallet it claims.

    Args:
        payload: the request body.
        network: the 8 bytes of this deployment, part of what the meter signed.

    Raises:
        FrameRefused: malformed, or `wallet_invalid`.
    """
    if len(payload) > MAX_READING_BYTES:
        raise FrameRefused(RefusedEntry(reason=Reason.MALFORMED, detail="a reading is at most 4 KiB", payload=payload))
    fields: Mapping[str, object] = {}
    try:
        fields = load_object(payload, parse_float=exact_decimal)
        return _frame(fields, network)
    except _WalletInvalid as problem:
        raise FrameRefused(_refused(payload, fields, Reason.WALLET_INVALID, str(problem))) from problem
    except InvalidInput as problem:
        raise FrameRefused(_refused(payload, fields, Reason.MALFORMED, str(problem))) from problem


def encode_interval_body(
    statement: Statement, signature: bytes, *, wallet_address: str, public_key: bytes | None = None
) -> dict[str, str | int]:
    """The body of an interval statement, as a meter sends it; one of its energies is zero."""
    net_wh = statement.generation_wh or -statement.consumption_wh
    body: dict[str, str | int] = {
        "meter_id": statement.meter_id,
        "wallet_address": wallet_address,
        "kwh_amount": str(kwh_from_wh(net_wh)),
        "reading_timestamp": timestamp_text(statement.measured_at),
        "meter_signature": signature_text(signature),
        "sequence": statement.sequence,
    }
    if public_key is not None:
        body["public_key"] = key_text(public_key)
    return body


def parse_timestamp(text: str) -> int:
    """Unix seconds of an RFC 3339 time of whole seconds, or InvalidInput."""
    if _RFC_3339.fullmatch(text) is None:
        raise InvalidInput("a time is RFC 3339 with whole seconds and an offset, such as 2026-01-31T12:15:00Z")
    try:
        seconds = int(datetime.fromisoformat(text.upper()).timestamp())
    except (ValueError, OverflowError) as problem:
        raise InvalidInput("a time names a moment that exists") from problem
    if seconds < 0:
        raise InvalidInput("a time is not before 1970")
    return seconds


def timestamp_text(unix_s: int) -> str:
    """RFC 3339 text in UTC of Unix seconds."""
    return datetime.fromtimestamp(unix_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _WalletInvalid(InvalidInput):
    pass


def _frame(fields: Mapping[str, object], network: bytes) -> UnverifiedFrame:
    check_fields(fields, required=_REQUIRED, optional=_OPTIONAL)
    wallet_address = text_field(fields, "wallet_address")
    net_wh = _amount_wh(fields["kwh_amount"])
    statement = Statement(
        kind=StatementKind.INTERVAL,
        network=network,
        meter_id=parse_meter_id(text_field(fields, "meter_id")),
        sequence=integer_field(fields, "sequence", most=MAX_U64),
        measured_at=parse_timestamp(text_field(fields, "reading_timestamp")),
        generation_wh=max(0, net_wh),
        consumption_wh=max(0, -net_wh),
    )
    signature = parse_signature(text_field(fields, "meter_signature"))
    key_hint = parse_key(text_field(fields, "public_key")) if "public_key" in fields else None
    _check_wallet(wallet_address)
    return UnverifiedFrame(
        statement=statement,
        signed_bytes=encode_statement(statement),
        signature=signature,
        key_hint=key_hint,
        wallet_address=wallet_address,
    )


def _amount_wh(amount: object) -> int:
    if isinstance(amount, bool) or not isinstance(amount, Decimal | str | int):
        raise InvalidInput("field kwh_amount is a decimal number or its text")
    return wh_from_kwh(amount)


def _check_wallet(wallet_address: str) -> None:
    try:
        parse_key(wallet_address)
    except InvalidInput as problem:
        raise _WalletInvalid("field wallet_address is not the base58 of a 32-byte key") from problem


def _refused(payload: bytes, fields: Mapping[str, object], reason: Reason, detail: str) -> RefusedEntry:
    meter_id, sequence = fields.get("meter_id"), fields.get("sequence")
    return RefusedEntry(
        reason=reason,
        detail=detail,
        payload=payload,
        claimed_meter_id=meter_id[:64] if isinstance(meter_id, str) and meter_id.isascii() and meter_id.isprintable() else "",
        claimed_sequence=str(sequence)[:20] if type(sequence) is int and sequence >= 0 else "",
    )
