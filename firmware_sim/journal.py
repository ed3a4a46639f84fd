"""A meter's memory of what it signed: written before it is sent, dropped on a final receipt alone."""

import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol, Self

from core.domain.errors import InvalidInput
from devices.envelope import BINARY_SIZE

DEFAULT_CAPACITY: Final = 2_048
"""Three weeks of 15-minute statements: longer than any of them counts."""
_WASTE_BEFORE_COMPACTION: Final = 1_024
_SIGNED: Final = b"S"
_DROPPED: Final = b"D"
_CHECKPOINT: Final = b"C"
_CHECKPOINT_LAYOUT: Final = struct.Struct("<6Q")
_BODY_SIZE: Final = {
    _SIGNED: _CHECKPOINT_LAYOUT.size + BINARY_SIZE,
    _DROPPED: 8,
    _CHECKPOINT: _CHECKPOINT_LAYOUT.size,
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the meter stood when it signed: what must survive a power loss."""

    sequence: int
    measured_until: int
    generation_wh: int
    consumption_wh: int
    generation_rest_ws: int
    consumption_rest_ws: int


class Journal(Protocol):
    """What a device needs of its memory."""

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where the meter stood when it last signed; None before its first statement."""
        ...

    @property
    def overflowed(self) -> int:
        """Entries given up because the memory was full."""
        ...

    def append(self, checkpoint: Checkpoint, envelope: bytes) -> None:
        """Keep a signed envelope; on return it survives a power loss."""
        ...

    def drop(self, sequences: Iterable[int]) -> None:
        """Forget entries that got a final receipt; unknown numbers are fine."""
        ...

    def entries(self) -> dict[int, bytes]:
        """What is kept, oldest first."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class MemoryJournal:
    """A journal that dies with its process: for swarms whose restarts nobody studies."""

    def __init__(self, *, capacity: int = DEFAULT_CAPACITY) -> None:
        self._entries: dict[int, bytes] = {}
        self._capacity = capacity
        self.checkpoint: Checkpoint | None = None
        self.overflowed: int = 0

    def append(self, checkpoint: Checkpoint, envelope: bytes) -> None:
        """Keep a signed envelope."""
        self.keep(checkpoint.sequence, envelope)
        self.checkpoint = checkpoint

    def keep(self, sequence: int, envelope: bytes) -> None:
        """Keep an envelope without moving the checkpoint; give the oldest up when the memory is full."""
        self._entries[sequence] = envelope
        while len(self._entries) > self._capacity:
            del self._entries[min(self._entries)]
            self.overflowed += 1

    def drop(self, sequences: Iterable[int]) -> None:
        """Forget entries."""
        for sequence in sequences:
            self._entries.pop(sequence, None)

    def entries(self) -> dict[int, bytes]:
        """What is kept, oldest first."""
        return dict(sorted(self._entries.items()))

    def holds(self, sequence: int) -> bool:
        """Whether an entry is kept."""
        return sequence in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def close(self) -> None:
        """Nothing to let go of."""


class FileJournal:
    """An append-only file of records with checksums. A torn tail is cut off when it is opened.

    Args:
        path: the file; made when it is not there.
        capacity: entries kept at most; the oldest is given up.
        sync: whether every record waits for the disk.
    """

    def __init__(self, path: Path, *, capacity: int = DEFAULT_CAPACITY, sync: bool = True) -> None:
        self._path = path
        self._sync = sync
        self._memory = MemoryJournal(capacity=capacity)
        self._records = 0
        self._file = self._open()

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where the meter stood when it last signed."""
        return self._memory.checkpoint

    @property
    def overflowed(self) -> int:
        """Entries given up because the file was full, since it was opened."""
        return self._memory.overflowed

    def append(self, checkpoint: Checkpoint, envelope: bytes) -> None:
        """Keep a signed envelope; on return it is on disk."""
        if len(envelope) != BINARY_SIZE:
            raise InvalidInput("a journal keeps binary envelopes")
        self._write(_record(_SIGNED, _CHECKPOINT_LAYOUT.pack(*astuple(checkpoint)) + envelope))
        self._records += 1
        self._memory.append(checkpoint, envelope)

    def drop(self, sequences: Iterable[int]) -> None:
        """Forget entries; a drop that is lost only costs a repeat."""
        known = [sequence for sequence in sequences if self._memory.holds(sequence)]
        if not known:
            return
        self._write(b"".join(_record(_DROPPED, sequence.to_bytes(8, "little")) for sequence in known))
        self._memory.drop(known)
        self._records += len(known)
        if self._records > _WASTE_BEFORE_COMPACTION + 2 * len(self._memory):
            self._compact()

    def entries(self) -> dict[int, bytes]:
        """What is kept, oldest first."""
        return self._memory.entries()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = self._path.read_bytes() if self._path.exists() else b""
        sound = self._replay(content)
        file = self._path.open("ab", buffering=0)
        if sound < len(content):
            file.truncate(sound)
        return file

    def _replay(self, content: bytes) -> int:
        """Take in every sound record; returns where the sound part ends."""
        at = 0
        while (size := _BODY_SIZE.get(content[at : at + 1])) is not None:
            end = at + 1 + size + 4
            record = content[at : end - 4]
            if len(content) < end or zlib.crc32(record).to_bytes(4, "little") != content[end - 4 : end]:
                break
            self._take(record[:1], record[1:])
            at = end
        return at

    def _take(self, tag: bytes, body: bytes) -> None:
        self._records += 1
        if tag == _DROPPED:
            self._memory.drop((int.from_bytes(body, "little"),))
            return
        checkpoint = Checkpoint(*_CHECKPOINT_LAYOUT.unpack(body[: _CHECKPOINT_LAYOUT.size]))
        if tag == _SIGNED:
            self._memory.keep(checkpoint.sequence, body[_CHECKPOINT_LAYOUT.size :])
        if self._memory.checkpoint is None or checkpoint.sequence >= self._memory.checkpoint.sequence:
            self._memory.checkpoint = checkpoint

    def _write(self, records: bytes) -> None:
        self._file.write(records)
        if self._sync:
            os.fsync(self._file.fileno())

    def _compact(self) -> None:
        """Write what is still needed beside the file, then put it in its place: at no moment is there none."""
        checkpoint = self._memory.checkpoint
        if checkpoint is None:
            return
        beside = self._path.with_suffix(".new")
        entries = self._memory.entries()
        with beside.open("wb") as file:
            file.writelines(_kept(sequence, envelope) for sequence, envelope in entries.items())
            file.write(_record(_CHECKPOINT, _CHECKPOINT_LAYOUT.pack(*astuple(checkpoint))))
            file.flush()
            os.fsync(file.fileno())
        self._file.close()
        beside.replace(self._path)
        self._file = self._path.open("ab", buffering=0)
        self._records = len(entries) + 1


def _kept(sequence: int, envelope: bytes) -> bytes:
    """An entry whose checkpoint is outlived: the number alone still counts."""
    return _record(_SIGNED, _CHECKPOINT_LAYOUT.pack(sequence, 0, 0, 0, 0, 0) + envelope)


def _record(tag: bytes, body: bytes) -> bytes:
    record = tag + body
    return record + zlib.crc32(record).to_bytes(4, "little")
