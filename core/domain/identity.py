"""Names of meters and fleets: 1 to 16 bytes of `A-Z a-z 0-9 - _ .`, compared bytewise."""

import re
from typing import Final, NewType

from core.domain.errors import InvalidInput

MeterId = NewType("MeterId", str)
"""A checked meter id; made by `parse_meter_id` alone."""
Fleet = NewType("Fleet", str)
"""A checked fleet name; made by `parse_fleet` alone."""

METER_ID_SIZE: Final = 16
"""Bytes of a meter id in a statement: the length of a COSEM logical device name."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,16}")
_PATH_WORDS: Final = frozenset({".", ".."})


def parse_meter_id(text: str) -> MeterId:
    """Check a meter id.

    Raises:
        InvalidInput: empty, too long, of other letters, or `.` or `..`.
    """
    return MeterId(_parse_name(text, "meter id"))


def parse_fleet(text: str) -> Fleet:
    """Check a fleet name.

    Raises:
        InvalidInput: empty, too long, of other letters, or `.` or `..`.
    """
    return Fleet(_parse_name(text, "fleet"))


def meter_id_bytes(meter_id: MeterId) -> bytes:
    """The 16 bytes of a statement and of the meter's account seed: padded right with zero bytes."""
    return meter_id.encode("ascii").ljust(METER_ID_SIZE, b"\0")


def meter_id_from_bytes(padded: bytes) -> MeterId:
    """Read 16 padded bytes back.

    Raises:
        InvalidInput: wrong size, a letter after the padding began, or no valid id.
    """
    name = padded.rstrip(b"\0")
    if len(padded) != METER_ID_SIZE or not name.isascii():
        raise InvalidInput("a meter id is 16 bytes of ASCII, padded right with zero bytes")
    return parse_meter_id(name.decode("ascii"))


def _parse_name(text: str, what: str) -> str:
    if _NAME.fullmatch(text) is None or text in _PATH_WORDS:
        raise InvalidInput(f"a {what} is 1 to 16 of A-Z a-z 0-9 - _ . and neither . nor ..")
    return text
