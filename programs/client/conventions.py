"""Anchor's conventions, which every client of the programs relies on."""

from hashlib import sha256

EVENT_TAG = bytes.fromhex("e445a52e51cb9a1d")
"""First 8 bytes of a program's call to itself that carries an event."""


def discriminator(namespace: str, name: str) -> bytes:
    """First 8 bytes of SHA-256(`namespace:name`); namespaces are `global` (instructions), `account` and `event`."""
    return sha256(f"{namespace}:{name}".encode()).digest()[:8]
