"""The corpus: inputs that once broke something, one a line, given to their door again by every run of the tests.

A file a door, `corpus/<door>.txt`. `#` begins a sentence about the line below it. A line is the answer that is right
now, a colon, and the bytes as hexadecimal pieces; `5b*3000` is a piece three thousand times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Remembered:
    """One line."""

    answer: str
    data: bytes


def remembered(door: str) -> Sequence[Remembered]:
    """What once broke a door.

    Raises:
        ValueError: a line is no line of a corpus.
    """
    return [_line(line) for line in _lines(door) if line and not line.startswith("#")]


def doors_remembered() -> Sequence[str]:
    """The names of the doors that have a corpus."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def _lines(door: str) -> Sequence[str]:
    return (FOLDER / f"{door}.txt").read_text(encoding="ascii").splitlines()


def _line(line: str) -> Remembered:
    answer, colon, pieces = line.partition(": ")
    if not colon:
        raise ValueError(f"a line of the corpus names no answer: {line[:60]}")
    return Remembered(answer, b"".join(_piece(piece) for piece in pieces.split()))


def _piece(piece: str) -> bytes:
    digits, _, times = piece.partition("*")
    return bytes.fromhex(digits) * int(times or 1)
