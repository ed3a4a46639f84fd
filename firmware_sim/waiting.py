"""Which journal entries are to be sent again, and when: back-off doubles, a quarantined one waits for its second receipt."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FIRST_RETRY_S: Final = 2.0
LONGEST_RETRY_S: Final = 60.0


@dataclass(slots=True)
class _Wait:
    tries: int
    due: float
    parked: bool = False


class Waiting:
    """The send times of journal entries, in seconds of a monotonic clock."""

    def __init__(self, *, first_retry_s: float = FIRST_RETRY_S) -> None:
        self._first_retry_s = first_retry_s
        self._waits: dict[int, _Wait] = {}

    def sent(self, sequence: int, now: float) -> None:
        """An entry went out: expect its receipt for a while."""
        wait = self._waits.setdefault(sequence, _Wait(0, now))
        wait.due = now + min(LONGEST_RETRY_S, self._first_retry_s * 2**wait.tries)
        wait.tries = min(wait.tries + 1, 16)
        wait.parked = False

    def wanted_now(self, sequences: Iterable[int], now: float) -> None:
        """These are missing over there: send them at the next chance, without back-off."""
        for sequence in sequences:
            self._waits[sequence] = _Wait(0, now)

    def parked(self, sequence: int) -> None:
        """The platform has it and is in doubt: a second receipt will come."""
        self._waits[sequence] = _Wait(0, 0.0, parked=True)

    def done(self, sequence: int) -> None:
        """A final receipt came."""
        self._waits.pop(sequence, None)

    def is_parked(self, sequence: int) -> bool:
        """Whether the entry waits for an operator."""
        wait = self._waits.get(sequence)
        return wait is not None and wait.parked

    def due(self, sequences: Iterable[int], now: float) -> list[int]:
        """Those of `sequences` that are to be sent now; one never sent is."""
        return [sequence for sequence in sequences if self._is_due(sequence, now)]

    def _is_due(self, sequence: int, now: float) -> bool:
        wait = self._waits.get(sequence)
        return wait is None or (not wait.parked and wait.due <= now)
