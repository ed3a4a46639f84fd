"""What time is, to those who are handed a clock."""

from typing import Protocol


class Clock(Protocol):
    """A source of the present."""

    def now(self) -> int:
        """Unix seconds."""
        ...

    def now_ms(self) -> int:
        """Unix milliseconds."""
        ...
