"""Calendar months in UTC: how readings are kept and let go. Times in Unix seconds."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One month; `start_at` belongs to it, `end_at` is the next one's first second."""

    year: int
    number: int
    """1 to 12."""

    @property
    def start_at(self) -> int:
        """Its first second."""
        return int(datetime(self.year, self.number, 1, tzinfo=UTC).timestamp())

    @property
    def end_at(self) -> int:
        """The first second after it."""
        return self.shifted(1).start_at

    @property
    def name(self) -> str:
        """For example `2026_11`."""
        return f"{self.year:04}_{self.number:02}"

    def shifted(self, months: int) -> "Month":
        """The month so many later, or earlier when negative."""
        count = self.year * 12 + self.number - 1 + months
        return Month(count // 12, count % 12 + 1)


def month_of(at: int) -> Month:
    """The month that a time lies in."""
    when = datetime.fromtimestamp(at, UTC)
    return Month(when.year, when.month)
