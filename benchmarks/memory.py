"""Whether a part's memory is flat: least squares over the samples after the warm-up, against a stated limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WARM_UP_SHARE: Final = 0.1
TEN_MINUTES_S: Final = 600
SLOPE_LIMIT_MIB: Final = 2.0
"""Of growth in ten minutes."""
GROWTH_LIMIT: Final = 0.05
"""Of growth over the run, as a share of what the part took after the warm-up."""
SMALL_GROWTH_MIB: Final = 4.0
"""Growth over the run that counts as none, whatever the share: a broker of 5 MiB may take a page more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryTrend:
    """One part's memory over a run, MiB."""

    name: str
    first: float
    last: float
    per_ten_minutes: float
    growth: float
    """Over the run, along the fitted line."""
    files: tuple[float, float]
    threads: tuple[float, float]
    cores: float
    """Processor time over time."""

    @property
    def is_flat(self) -> bool:
        """Whether it stays within both limits."""
        small = self.growth < max(SMALL_GROWTH_MIB, GROWTH_LIMIT * self.first)
        return small and self.per_ten_minutes < SLOPE_LIMIT_MIB

    def row(self) -> str:
        """A Markdown row."""
        return (
            f"| {self.name} | {self.first:.1f} | {self.last:.1f} | {self.per_ten_minutes:+.2f}"
            f" | {self.files[0]:.0f} → {self.files[1]:.0f} | {self.threads[0]:.0f} → {self.threads[1]:.0f}"
            f" | {self.cores:.2f} | {'yes' if self.is_flat else 'NO'} |"
        )


def trend_of(part: str, rows: Sequence[dict[str, float]]) -> MemoryTrend:
    """Fit a part's samples after the warm-up; at least two are needed."""
    warm_until = rows[-1]["at_s"] * WARM_UP_SHARE
    kept = [row for row in rows if row["at_s"] >= warm_until]
    times, sizes = [row["at_s"] for row in kept], [row[f"{part}_memory_mib"] for row in kept]
    slope, span_s = slope_of(times, sizes), times[-1] - times[0]
    cpu_s = kept[-1][f"{part}_cpu_s"] - kept[0][f"{part}_cpu_s"]
    return MemoryTrend(
        name=part,
        first=sizes[0],
        last=sizes[-1],
        per_ten_minutes=slope * TEN_MINUTES_S,
        growth=slope * span_s,
        files=(kept[0][f"{part}_files"], kept[-1][f"{part}_files"]),
        threads=(kept[0][f"{part}_threads"], kept[-1][f"{part}_threads"]),
        cores=cpu_s / span_s,
    )


def slope_of(times: Sequence[float], sizes: Sequence[float]) -> float:
    """Least squares: growth a second."""
    mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((time - mean_time) ** 2 for time in times)
    together = sum((time - mean_time) * (size - mean_size) for time, size in zip(times, sizes, strict=True))
    return together / spread
