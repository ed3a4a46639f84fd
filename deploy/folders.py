"""Folders that must be there before anything starts."""

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
        raise InvalidInput(f"{path} cannot be written ({problem.strerror}); set {setting} to a folder that can") from problem
