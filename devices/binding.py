"""What is signed when a device joins, is bound to an owner, or changes its key."""

import hashlib
import struct
from typing import Final

from core.domain.errors import InvalidInput
from core.domain.identity import MeterId, meter_id_bytes

BIND_MAGIC: Final = b"GTXBIND\x01"
PROVISION_MAGIC: Final = b"GTXPROV\x01"
ROTATION_MAGIC: Final = b"GTXROTA\x01"
NONCE_SIZE: Final = 16
_CLAIM_DOMAIN: Final = b"gridtokenx-claim"


def bind_message(
    *,
    network: bytes,
    meter_id: MeterId,
    owner: bytes,
    sequence: int,
    measured_at: int,
    base_generation_wh: int,
    base_consumption_wh: int,
) -> bytes:
    """The 96 bytes that bind a meter to an owner's wallet with its base registers.

    Args:
        network: 8 bytes.
        meter_id: the metering point.
        owner: the wallet, 32 bytes.
        sequence: the device's last used number; statements count from the next one.
        measured_at: Unix seconds of the base; elapsed time of the first statement runs from here.
        base_generation_wh: export register below which nothing is minted.
        base_consumption_wh: import register below which nothing is burned.

    Raises:
        InvalidInput: a part has another size.
    """
    numbers = _u64s(sequence, measured_at, base_generation_wh, base_consumption_wh)
    return BIND_MAGIC + _sized(network, 8) + meter_id_bytes(meter_id) + _sized(owner, 32) + numbers


def provision_message(*, network: bytes, meter_id: MeterId, nonce: bytes, claim: str) -> bytes:
    """The 80 bytes by which a device proves, to one claim, that it holds its key."""
    return PROVISION_MAGIC + _sized(network, 8) + meter_id_bytes(meter_id) + _sized(nonce, NONCE_SIZE) + _claim_hash(claim)


def rotation_message(*, network: bytes, meter_id: MeterId, new_key: bytes, valid_from: int) -> bytes:
    """The 72 bytes that the old key and the new one sign; `valid_from` in Unix seconds."""
    return ROTATION_MAGIC + _sized(network, 8) + meter_id_bytes(meter_id) + _sized(new_key, 32) + _u64s(valid_from)


def claim_id(claim: str) -> str:
    """The public name of a claim token: 16 hex digits."""
    return hashlib.sha256(_CLAIM_DOMAIN + claim.encode()).hexdigest()[:16]


def _claim_hash(claim: str) -> bytes:
    return hashlib.sha256(claim.encode()).digest()


def _sized(part: bytes, size: int) -> bytes:
    if len(part) != size:
        raise InvalidInput(f"a part of the signed message is {size} bytes")
    return part


def _u64s(*numbers: int) -> bytes:
    try:
        return struct.pack(f"<{len(numbers)}Q", *numbers)
    except struct.error as problem:
        raise InvalidInput("the numbers of a signed message are unsigned 64-bit integers") from problem
