"""The wall clock, the one place that reads it."""

import time


class SystemClock:
    """The machine's clock, in Unix seconds and milliseconds."""

    def now(self) -> int:
        """Unix seconds, rounded down."""
        return int(time.time())  # noqa: TID251  # this module is the clock's one home

    def now_ms(self) -> int:
        """Unix milliseconds, rounded down."""
        return int(time.time() * 1000)  # noqa: TID251  # this module is the clock's one home


class FixedClock:
    """A clock that stands until it is set: for tests and replays."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s

    def now(self) -> int:
        """Unix seconds as set."""
        return self.now_s

    def now_ms(self) -> int:
        """Unix milliseconds as set."""
        return self.now_s * 1000
