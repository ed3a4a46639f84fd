"""How often one meter may speak: a token bucket for each. Losing it in a restart costs nothing but patience."""

from collections import OrderedDict
from typing import Final

MAX_METERS: Final = 100_000
"""Buckets kept; the longest unused is forgotten first."""
_FULL_MINUTE_MS: Final = 60_000


class RateLimit:
    """Token buckets by meter id, in integers: a bucket holds one minute's messages and fills evenly.

    Args:
        messages_per_minute: for one meter; a journal is one message.
    """

    def __init__(self, *, messages_per_minute: int) -> None:
        self._per_minute = messages_per_minute
        self._buckets: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def allows(self, meter_id: str, *, now_ms: int) -> bool:
        """Take one message from the meter's bucket; False when it is empty."""
        full = self._per_minute * _FULL_MINUTE_MS
        left, at_ms = self._buckets.pop(meter_id, (full, now_ms))
        left = min(full, left + max(0, now_ms - at_ms) * self._per_minute)
        allowed = left >= _FULL_MINUTE_MS
        self._buckets[meter_id] = (left - _FULL_MINUTE_MS if allowed else left, max(now_ms, at_ms))
        if len(self._buckets) > MAX_METERS:
            self._buckets.popitem(last=False)
        return allowed
