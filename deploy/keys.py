"""The authorities' key files: one JSON array of 64 numbers a file, as Solana's own tools write them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from solders.keypair import Keypair

from core.domain.errors import InvalidInput

_SINGLE_ROLES = ("upgrade", "authority", "auditor", "provisioner", "zone")
_ATTESTERS = 3  # enough for k = 3 on the embedded chain; an operator sets his own number by the files he has


def read_keypair(path: Path) -> Keypair:
    """Read one key file.

    Raises:
        InvalidInput: the file is missing or is not a key file; its content is never shown.
    """
    try:
        numbers = json.loads(path.read_text())
        return Keypair.from_bytes(bytes(numbers))
    except FileNotFoundError as problem:
        raise InvalidInput(f"key file {path} is missing; put it there, or set GRIDTOKENX_CHAIN__KEYS_DIR") from problem
    except (ValueError, TypeError) as problem:
        raise InvalidInput(f"key file {path} is not a JSON array of 64 numbers") from problem


def write_keypair(path: Path, keypair: Keypair) -> None:
    """Write one key file, readable by its owner alone; an existing one is left alone and is an error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(list(bytes(keypair)), file)


@dataclass(frozen=True, kw_only=True)
class KeyFiles:
    """Where the authorities' keys lie."""

    folder: Path

    def path(self, role: str) -> Path:
        """The file of a role."""
        return self.folder / f"{role}.json"

    def ensure(self, payers: int) -> None:
        """Draw the keys that are missing: for the embedded chain, whose authorities are made on this machine."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        roles = [
            *_SINGLE_ROLES,
            *(f"attester-{n}" for n in range(_ATTESTERS)),
            *(f"payer-{n}" for n in range(payers)),
        ]
        for role in roles:
            if not self.path(role).exists():
                write_keypair(self.path(role), Keypair())

    def single(self, role: str) -> Keypair:
        """The key of a role."""
        return read_keypair(self.path(role))

    def numbered(self, role: str) -> tuple[Keypair, ...]:
        """All keys of a role that comes in numbers."""
        found = sorted(self.folder.glob(f"{role}-*.json"))
        if not found:
            raise InvalidInput(f"no {role}-0.json in {self.folder}; put it there, or set GRIDTOKENX_CHAIN__KEYS_DIR")
        return tuple(read_keypair(path) for path in found)
