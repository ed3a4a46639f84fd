"""Secrets that the embedded platform draws for itself and keeps in its data folder."""

import os
import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """Read a secret from its file, or draw 256 random bits and keep them there, readable by their owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    drawn = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as file:
        file.write(drawn + "\n")
    return drawn
