"""The Ed25519 precompile, pointed at signatures that lie in another instruction's data."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

PROGRAM = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")

_HEADER = struct.Struct("<BB")
_ENTRY = struct.Struct("<HHHHHHH")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one signed message lies in the other instruction's data: offsets in bytes from its start."""

    signature: int
    """Start of the 64 signature bytes."""
    key: int
    """Start of the 32 key bytes."""
    message: int
    """Start of the message."""
    message_length: int


def verify_elsewhere(places: Sequence[Place], instruction_index: int) -> Instruction:
    """Verify the signatures at `places` in the data of the transaction's instruction `instruction_index`.

    The programs accept it only directly before that instruction.
    """
    index = instruction_index
    entries = (
        _ENTRY.pack(place.signature, index, place.key, index, place.message, place.message_length, index) for place in places
    )
    return Instruction(PROGRAM, _HEADER.pack(len(places), 0) + b"".join(entries), [])
