"""Folders and files that must be there before anything starts."""

import os
from pathlib import Path

from core.domain.errors import InvalidInput


def ready_folder(path: Path, setting: str) -> None:
    """Make a folder that its owner alone may enter, or see that the one there can be written.

    Raises:
        InvalidInput: it cannot be made or written; the sentence names the setting.
    """
    trial = path / ".writable"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        trial.touch()
        trial.unlink(missing_ok=True)
    except OSError as problem:
        raise InvalidInput(f"{path} cannot be written ({problem.strerror}); give a folder that can as {setting}") from problem


def require_writable_file(path: Path, option: str) -> None:
    """See that a file can be written later; one that was not there is not there afterwards.

    Raises:
        InvalidInput: it cannot be written; the sentence names the option.
    """
    is_new = not path.exists()
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError as problem:
        raise InvalidInput(f"{option}: {path} cannot be written ({problem.strerror}); name another file") from problem
    if is_new:
        path.unlink()
