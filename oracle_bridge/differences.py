"""Where rows say something else than the chain."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

NAMED_AT_MOST: Final = 1_000
"""Beyond these only their number is kept, so that a lost database fits into memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One cell, or one whole row."""

    table: str
    key: str
    column: str | None
    """Unset when the whole row is missing or too much."""
    row: Any
    """What the row says; None when it is missing."""
    chain: Any
    """What the chain says; None when it says nothing."""

    def __str__(self) -> str:
        if self.column is not None:
            return f"{self.table} {self.key}: {self.column} is {self.row!r}, by the chain {self.chain!r}"
        what = "the row is missing" if self.row is None else "the chain knows of no such row"
        return f"{self.table} {self.key}: {what}"


@dataclass(slots=True)
class Differences:
    """All of them counted, the first thousand named."""

    named: list[Difference] = field(default_factory=list[Difference])
    counted: Counter[str] = field(default_factory=Counter[str])
    """By `table` or `table.column`."""
    rows_compared: int = 0

    @property
    def total(self) -> int:
        """How many there are."""
        return self.counted.total()

    def cell(self, table: str, key: str, column: str, row: Any, chain: Any) -> None:
        """One cell differs."""
        self._add(Difference(table=table, key=key, column=column, row=row, chain=chain))

    def missing(self, table: str, key: str, chain: Any) -> None:
        """The chain says what no row says."""
        self._add(Difference(table=table, key=key, column=None, row=None, chain=chain))

    def too_much(self, table: str, key: str, row: Any) -> None:
        """A row says what the chain does not."""
        self._add(Difference(table=table, key=key, column=None, row=row, chain=None))

    def _add(self, one: Difference) -> None:
        self.counted[one.table if one.column is None else f"{one.table}.{one.column}"] += 1
        if len(self.named) < NAMED_AT_MOST:
            self.named.append(one)
