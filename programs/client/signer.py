"""Who signs: a key in a file today, a KMS or HSM behind the same protocol tomorrow."""

from pathlib import Path
from typing import Protocol

import msgspec
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from core.domain.errors import InvalidInput

OTHERS_MAY_READ = 0o077


class Signer(Protocol):
    """Signs messages with one key that it never shows."""

    @property
    def pubkey(self) -> Pubkey:
        """The public key."""
        ...

    async def sign(self, message: bytes) -> Signature:
        """Sign a serialised transaction message."""
        ...


class KeypairSigner:
    """A key in memory."""

    def __init__(self, keypair: Keypair) -> None:
        self._keypair = keypair

    @property
    def pubkey(self) -> Pubkey:
        """The public key."""
        return self._keypair.pubkey()

    async def sign(self, message: bytes) -> Signature:
        """Sign a serialised transaction message."""
        return self._keypair.sign_message(message)

    def __repr__(self) -> str:
        return f"KeypairSigner({self.pubkey})"


class FileSigner(KeypairSigner):
    """A key in a file of the Solana command line's form: a JSON array of 64 numbers, readable by its owner alone.

    Raises:
        InvalidInput: the file is missing, readable by others, or not a key.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(read_keypair(path))
        self.path = path


def read_keypair(path: Path) -> Keypair:
    """Read a key file.

    Raises:
        InvalidInput: the file is missing, readable by others, or not a key; the sentence never shows its content.
    """
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as problem:
        raise InvalidInput(f"key file {path}: {problem.strerror}") from None
    if mode & OTHERS_MAY_READ:
        raise InvalidInput(f"key file {path} can be read by others: run 'chmod 600 {path}'")
    try:
        return Keypair.from_bytes(bytes(msgspec.json.decode(content, type=list[int])))
    except ValueError:
        raise InvalidInput(f"key file {path} is not a JSON array of 64 numbers that form an Ed25519 key pair") from None


def write_keypair(path: Path, keypair: Keypair) -> None:
    """Write a new key file, readable by its owner alone.

    Raises:
        InvalidInput: the file exists already; keys are never overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise InvalidInput(f"key file {path} exists already; keys are never overwritten") from None
    path.write_bytes(msgspec.json.encode(list(bytes(keypair))))
