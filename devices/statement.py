"""The 64 bytes that a meter signs, little-endian; the offsets are the protocol's."""

import struct
from typing import Final

from core.domain.errors import InvalidInput
from core.domain.identity import meter_id_bytes, meter_id_from_bytes
from core.domain.network import NETWORK_SIZE
from core.domain.readings import Statement, StatementKind

STATEMENT_SIZE: Final = 64
MAX_U64: Final = 2**64 - 1
MAGIC: Final = {StatementKind.REGISTER: b"GTXREG\x00\x01", StatementKind.INTERVAL: b"GTXINT\x00\x01"}

_KIND_OF_MAGIC: Final = {magic: kind for kind, magic in MAGIC.items()}
_LAYOUT: Final = struct.Struct("<8s8s16sQQQQ")


def encode_statement(statement: Statement) -> bytes:
    """The 64 bytes of a statement.

    Raises:
        InvalidInput: the network is not 8 bytes, or a number is not an unsigned 64-bit integer.
    """
    if len(statement.network) != NETWORK_SIZE:
        raise InvalidInput("the network of a statement is 8 bytes")
    try:
        return _LAYOUT.pack(
            MAGIC[statement.kind],
            statement.network,
            meter_id_bytes(statement.meter_id),
            statement.sequence,
            statement.measured_at,
            statement.generation_wh,
            statement.consumption_wh,
        )
    except struct.error as problem:
        raise InvalidInput("the numbers of a statement are unsigned 64-bit integers") from problem


def decode_statement(signed_bytes: bytes) -> Statement:
    """Read 64 bytes back.

    Raises:
        InvalidInput: wrong size, unknown magic, or no valid meter id.
    """
    if len(signed_bytes) != STATEMENT_SIZE:
        raise InvalidInput("a statement is 64 bytes")
    magic, network, padded_id, sequence, measured_at, generation_wh, consumption_wh = _LAYOUT.unpack(signed_bytes)
    kind = _KIND_OF_MAGIC.get(magic)
    if kind is None:
        raise InvalidInput("a statement begins with GTXREG or GTXINT and its version")
    return Statement(
        kind=kind,
        network=network,
        meter_id=meter_id_from_bytes(padded_id),
        sequence=sequence,
        measured_at=measured_at,
        generation_wh=generation_wh,
        consumption_wh=consumption_wh,
    )
