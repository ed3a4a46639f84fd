"""What is fuzzed: a door takes bytes and says what became of them, in words of a closed list."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from time import process_time
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Try:
    """One input."""

    data: bytes
    expects: str | None = None
    """What the door must answer; None where anything of its list will do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one input."""

    label: str
    cpu_s: float


class Door(ABC):
    """One way in. Whatever `give` raises is a finding: an expected refusal is an answer.

    A door is made for one run: `open`, many `make` and `give`, `settle`, `close`.
    """

    name: ClassVar[str]
    share: ClassVar[int]
    """Of a thousand inputs of a whole run."""
    batch: ClassVar[int] = 32
    """Inputs made and given together."""
    labels: ClassVar[frozenset[str]]
    """The closed list of answers; a whole run must hear each of them."""
    least: Mapping[str, float] = {}
    """Per cent of the inputs that must at least be answered so: how deep the inputs get."""
    rare: ClassVar[frozenset[str]] = frozenset()
    """Of the list, what only a long run can be sure to hear."""
    unlikely: ClassVar[frozenset[str]] = frozenset()
    """Of the list, what a run need not hear at all."""
    is_stateless: ClassVar[bool] = True
    """Whether a finding can be made smaller by giving parts of it."""

    async def open(self, random: Random) -> None:  # noqa: B027  # most doors need none
        """Get ready; may draw what the whole run uses."""

    async def close(self) -> None:  # noqa: B027  # most doors need none
        """Undo `open`."""

    @abstractmethod
    def make(self, random: Random) -> Try:
        """The next input."""

    @abstractmethod
    async def give(self, data: bytes) -> str:
        """Hand one input in; returns what became of it."""

    async def give_all(self, batch: Sequence[bytes]) -> list[Answered | Exception]:
        """Hand in a batch; one input's failure does not hide the others'."""
        answers: list[Answered | Exception] = []
        for data in batch:
            started = process_time()
            try:
                answers.append(Answered(await self.give(data), process_time() - started))
            except Exception as problem:  # noqa: BLE001  # whatever an input provokes is what we look for
                answers.append(problem)
        return answers

    async def settle(self) -> None:  # noqa: B027  # most doors need none
        """At the end: check what must hold of everything that was given; an AssertionError is a finding."""
