"""Broker passwords in Mosquitto's own format, so that one stored hash serves the embedded broker and the password file.

A password is 128 random bits, not a word: no dictionary applies, and few rounds let thousands of devices connect at once.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

ROUNDS: Final = 101  # what mosquitto_passwd itself uses
SALT_BYTES: Final = 12
_HASH_BYTES: Final = 64
_KIND: Final = "7"
_MAX_ROUNDS: Final = 10_000  # a stored hash must not be able to stall the broker


def hash_password(password: str, salt: bytes) -> str:
    """`$7$rounds$salt$hash`: PBKDF2 with HMAC-SHA-512, as in Mosquitto's password file.

    Args:
        password: The password; at least 128 random bits.
        salt: 12 random bytes.
    """
    return f"${_KIND}${ROUNDS}${_text(salt)}${_text(_derive(password, salt, ROUNDS))}"


def password_matches(password: str, stored: str) -> bool:
    """Whether the password is the stored one; False as well when what is stored is no such hash."""
    try:
        _, kind, rounds, salt, expected = stored.split("$")
        count = int(rounds)
        if kind != _KIND or not 1 <= count <= _MAX_ROUNDS:
            return False
        derived = _derive(password, base64.b64decode(salt, validate=True), count)
        return hmac.compare_digest(derived, base64.b64decode(expected, validate=True))
    except (ValueError, binascii.Error):
        return False


def is_mosquitto_hash(stored: str) -> bool:
    """Whether Mosquitto reads this hash from a password file."""
    return stored.startswith((f"${_KIND}$", "$6$")) and "\n" not in stored and ":" not in stored


def _derive(password: str, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, _HASH_BYTES)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
