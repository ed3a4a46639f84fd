"""Which journal entries are to be sent again, and when: pauses double, a quarantined one waits for its second receipt."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FIRST_RETRY_S: Final = 2.0
LONGEST_RETRY_S: Final = 60.0
MOST_PATIENCE: Final = 4


@dataclass(slots=True)
class _Wait:
    tries: int = 0
    sent_at: float = 0.0
    due: float = 0.0
    parked: bool = False


class Waiting:
    """The send times of journal entries, in seconds of a monotonic clock.

    Args:
        first_retry_s: how long the first receipt is waited for, unless the platform is known to take longer.
    """

    def __init__(self, *, first_retry_s: float = FIRST_RETRY_S) -> None:
        self._first_retry_s = first_retry_s
        self._answer_s = 0.0
        self._waits: dict[int, _Wait] = {}

    @property
    def patience_s(self) -> float:
        """Twice what a receipt took of late: a busy platform is not flooded with repeats. At most four first retries."""
        return min(MOST_PATIENCE * self._first_retry_s, max(self._first_retry_s, 2 * self._answer_s))

    def sent(self, sequence: int, now: float) -> None:
        """An entry went out: expect its receipt for a while."""
        wait = self._waits.setdefault(sequence, _Wait())
        wait.sent_at = now
        wait.due = now + min(LONGEST_RETRY_S, self.patience_s * 2**wait.tries)
        wait.tries = min(wait.tries + 1, 16)
        wait.parked = False

    def wanted(self, sequences: Iterable[int], now: float) -> None:
        """These are missing over there: send them without back-off, unless they may still be on their way."""
        for sequence in sequences:
            wait = self._waits.get(sequence, _Wait())
            on_its_way_until = wait.sent_at + self.patience_s if wait.tries else now
            self._waits[sequence] = _Wait(wait.tries and 1, wait.sent_at, max(now, on_its_way_until))

    def ordered(self, sequences: Iterable[int]) -> None:
        """An operator wants these again, on their way or not."""
        for sequence in sequences:
            self._waits[sequence] = _Wait()

    def parked(self, sequence: int) -> None:
        """The platform has it and is in doubt: a second receipt will come."""
        self._waits[sequence] = _Wait(parked=True)

    def done(self, sequence: int, now: float) -> None:
        """A final receipt came."""
        wait = self._waits.pop(sequence, None)
        if wait is not None and wait.tries == 1:  # of a repeat nobody knows which copy was answered
            took_s = now - wait.sent_at
            self._answer_s = max(took_s, 0.8 * self._answer_s + 0.2 * took_s)

    def repeated_needlessly(self) -> None:
        """The platform had it already: be more patient."""
        self._answer_s = 1.5 * self.patience_s / 2

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
