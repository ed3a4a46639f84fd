"""One meter as an operator's file describes it."""

import base64
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from core.domain.identity import MeterId
from core.domain.readings import AssetKind, ProofKind, StatementKind
from devices.binding import bind_message
from devices.keys import parse_key, parse_signature, signature_is_valid, signature_text

_LEGACY_DOMAIN: Final = b"gridtokenx-legacy-id"


class MeterImport(msgspec.Struct, frozen=True, kw_only=True):
    """A checked row of an import file. Energy in Wh, power in W, time in Unix seconds."""

    meter_id: MeterId
    legacy_id: str | None
    """The foreign id that `meter_id` was generated from."""
    owner: str
    """The owner's wallet, base58."""
    asset_kind: AssetKind
    statement_kind: StatementKind
    proof_kind: ProofKind
    zone: int
    rated_power_out_w: int
    rated_power_in_w: int
    public_key: str
    """The device's key, base58."""
    base_sequence: int
    base_measured_at: int
    base_generation_wh: int
    base_consumption_wh: int
    binding_signature: str = ""
    """The device's signature over its binding, base58; empty until it has signed."""


def generated_meter_id(legacy_id: str) -> MeterId:
    """The id for a foreign one of more than 16 characters: always the same, so that its device can sign it beforehand."""
    digest = hashlib.sha256(_LEGACY_DOMAIN + legacy_id.encode()).digest()
    return MeterId("L-" + base64.b32encode(digest)[:14].decode("ascii"))


def binding_message_of(meter: MeterImport, *, network: bytes) -> bytes:
    """The bytes that the device signed to be bound."""
    return bind_message(
        network=network,
        meter_id=meter.meter_id,
        owner=parse_key(meter.owner),
        sequence=meter.base_sequence,
        measured_at=meter.base_measured_at,
        base_generation_wh=meter.base_generation_wh,
        base_consumption_wh=meter.base_consumption_wh,
    )


def bound_by_device(meter: MeterImport, sign: Callable[[bytes], bytes], *, network: bytes) -> MeterImport:
    """The same row with its device's signature under the binding; `sign` is the device's."""
    signature = sign(binding_message_of(meter, network=network))
    return msgspec.structs.replace(meter, binding_signature=signature_text(signature))


def binding_is_signed(meter: MeterImport, *, network: bytes) -> bool:
    """Whether the device's signature stands under its binding on this deployment."""
    message = binding_message_of(meter, network=network)
    return signature_is_valid(message, parse_signature(meter.binding_signature), parse_key(meter.public_key))
