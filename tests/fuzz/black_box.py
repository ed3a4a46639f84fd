"""Remembers the batch in hand in a file that survives the process: native code may die without a word."""

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_SIZE: Final = 8 * 1024 * 1024


class BlackBox:
    """A memory-mapped file with the inputs being tried now.

    Args:
        memory: the mapping; None remembers nothing.
    """

    def __init__(self, memory: mmap.mmap | None) -> None:
        self._memory = memory

    @classmethod
    def nowhere(cls) -> "BlackBox":
        """One that remembers nothing."""
        return cls(None)

    @classmethod
    def at(cls, path: Path) -> "BlackBox":
        """One in a file."""
        with path.open("w+b") as file:
            file.truncate(_SIZE)
            return cls(mmap.mmap(file.fileno(), _SIZE))

    def note(self, batch: Sequence[bytes]) -> None:
        """Remember a batch instead of the one before."""
        if self._memory is None:
            return
        content = b"".join(len(data).to_bytes(4, "little") + data for data in batch)[: _SIZE - 8]
        self._memory[:8] = len(content).to_bytes(8, "little")
        self._memory[8 : 8 + len(content)] = content


def read_back(path: Path) -> list[bytes]:
    """The inputs of the batch that a dead process had in hand."""
    content = path.read_bytes()
    content = content[8 : 8 + int.from_bytes(content[:8], "little")]
    batch: list[bytes] = []
    while content:
        size = int.from_bytes(content[:4], "little")
        batch.append(content[4 : 4 + size])
        content = content[4 + size :]
    return batch
