"""Ed25519 keys of devices: signing, strict verification, and their base58 text.

libsodium refuses a non-canonical S and small-order keys, and PyNaCl releases the GIL while it works.
The base58 text is solders', ten times the speed of a pure one.
"""

from typing import Final, Self

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey
from solders.pubkey import Pubkey
from solders.signature import Signature

from core.domain.errors import InvalidInput

PUBLIC_KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64


class DeviceKey:
    """A meter's private key. It never prints."""

    __slots__ = ("_key", "public_key")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise InvalidInput("the seed of a device key is 32 bytes")
        self._key = SigningKey(seed)
        self.public_key: bytes = bytes(self._key.verify_key)

    @classmethod
    def generate(cls) -> Self:
        """A new key from the system's randomness."""
        return cls(bytes(SigningKey.generate()))

    @property
    def public_text(self) -> str:
        """The public key in base58."""
        return key_text(self.public_key)

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, for the device's own storage alone."""
        return bytes(self._key)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`."""
        return self._key.sign(message).signature

    def __repr__(self) -> str:
        return f"DeviceKey({self.public_text})"


def signature_is_valid(message: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` is strictly valid under `public_key` (32 bytes)."""
    if len(signature) != SIGNATURE_SIZE or len(public_key) != PUBLIC_KEY_SIZE:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def is_usable_public_key(public_key: bytes) -> bool:
    """Whether 32 bytes are a canonical point of the prime-order group: asked before a key is registered."""
    return len(public_key) == PUBLIC_KEY_SIZE and crypto_core_ed25519_is_valid_point(public_key)


def key_text(key: bytes) -> str:
    """A public key or wallet address in base58."""
    return str(Pubkey(key))


def signature_text(signature: bytes) -> str:
    """A signature in base58."""
    return str(Signature(signature))


def parse_key(text: str) -> bytes:
    """Read the 32 bytes of a base58 key or wallet address.

    Raises:
        InvalidInput: not base58 of exactly 32 bytes.
    """
    try:
        return bytes(Pubkey.from_string(text))
    except ValueError as problem:
        raise InvalidInput("a key is base58 of 32 bytes") from problem


def parse_signature(text: str) -> bytes:
    """Read the 64 bytes of a base58 signature.

    Raises:
        InvalidInput: not base58 of exactly 64 bytes.
    """
    try:
        return bytes(Signature.from_string(text))
    except ValueError as problem:
        raise InvalidInput("a signature is base58 of 64 bytes") from problem
