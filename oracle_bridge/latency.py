"""How long readings take from intake to a confirmed transaction, in milliseconds, kept in memory."""

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final

from core.runtime.metrics import Metrics

SAMPLES_KEPT: Final = 10_000
"""Of the newest; the histogram has them all."""
WAITING_PER_METER: Final = 256


class MintLatency:
    """Pairs the moments at which a meter's readings were accepted with the landing of the transaction that carries them.

    A reading accepted after a transaction was drafted waits for the next one. What a restart forgets is only the figure.

    Args:
        metrics: gets every sample in seconds.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waiting: defaultdict[str, deque[int]] = defaultdict(lambda: deque(maxlen=WAITING_PER_METER))
        self._samples: deque[int] = deque(maxlen=SAMPLES_KEPT)

    def accepted(self, meter_ids: Iterable[str], *, at_ms: int) -> None:
        """Readings of these meters were committed."""
        for meter_id in meter_ids:
            self._waiting[meter_id].append(at_ms)

    def settled(self, meter_id: str, *, drafted_at_ms: int, now_ms: int) -> None:
        """A transaction drafted at that time is confirmed."""
        waiting = self._waiting[meter_id]
        while waiting and waiting[0] <= drafted_at_ms:
            sample = max(0, now_ms - waiting.popleft())
            self._samples.append(sample)
            self._metrics.publish_to_mint_seconds.observe(sample / 1_000)
        if not waiting:
            del self._waiting[meter_id]

    @property
    def samples(self) -> int:
        """How many were measured."""
        return len(self._samples)

    def percentile_ms(self, percent: int) -> int | None:
        """The nearest-rank percentile; None before the first sample."""
        if not self._samples:
            return None
        ordered = sorted(self._samples)
        rank = -(-len(ordered) * percent // 100)
        return ordered[max(0, rank - 1)]
