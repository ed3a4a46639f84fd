"""Secrets that the embedded platform draws for itself and keeps in its data folder."""

import os
import secrets
from pathlib import Path

from core.domain.errors import InvalidInput


def kept_secret(path: Path) -> str:
    """Read a secret from its file, or draw 256 random bits and keep them there, readable by their owner alone.

    Raises:
        InvalidInput: the file is empty.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text().strip()
        if not kept:
            raise InvalidInput(f"{path} is empty; delete it, and a new secret is drawn") from None
        return kept
    drawn = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as file:
        file.write(drawn + "\n")
    return drawn
