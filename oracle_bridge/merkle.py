"""The Merkle root of the readings behind an attested batch."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

LEAF: Final = b"\0"
NODE: Final = b"\1"
"""Leaves and nodes are hashed apart, so that no node can pass for a reading."""


def leaf(statement: bytes, signature: bytes, key: bytes) -> bytes:
    """A reading's leaf: SHA-256(0 ‖ statement ‖ signature ‖ key)."""
    return sha256(LEAF + statement + signature + key).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves in their order: SHA-256(1 ‖ left ‖ right); a node without a neighbour moves up as it is.

    32 zero bytes when there is no leaf.
    """
    if not leaves:
        return bytes(32)
    row = list(leaves)
    while len(row) > 1:
        pairs = [sha256(NODE + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]
    return row[0]
