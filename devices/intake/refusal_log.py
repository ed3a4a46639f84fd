"""Refused frames, kept for operators and bounded: repeats count up, and beyond an hourly cap only a counter grows."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from core.domain.verdicts import Reason
from core.store import Session, refusals
from core.store.refusals import Refusal
from devices.envelope import BINARY_VERSION
from devices.intake.frames import Item

HOUR_S: Final = 3_600
KEPT_BYTES: Final = 4_096
KEPT_ROWS: Final = 100_000
"""The longest unseen rows beyond these are deleted, once an hour."""
COUNTED_ONLY: Final = frozenset({Reason.RATE_LIMITED})
"""A meter that speaks too often says nothing worth keeping."""


class RefusalLog:
    """Writes the refusals of batches.

    Args:
        rows_per_hour: contents kept in one hour; what comes beyond is only counted.
    """

    def __init__(self, *, rows_per_hour: int) -> None:
        self._rows_per_hour = rows_per_hour
        self._hour = -1
        self._written = 0

    async def write(self, session: Session, items: Iterable[Item], *, now: int) -> int:
        """Keep what was refused; returns how many were only counted."""
        refused = [item for item in items if item.refusal is not None]
        if not refused:
            return 0
        await self._turn_the_hour(session, now)
        kept, counted = self._choose(refused)
        self._written += len(kept)
        await refusals.record(session, [*kept, *_counters(counted)], now=now)
        return len(counted)

    async def _turn_the_hour(self, session: Session, now: int) -> None:
        """What this process wrote is remembered; what others wrote before is counted when the hour begins."""
        if now // HOUR_S == self._hour:
            return
        self._hour = now // HOUR_S
        await refusals.prune(session, keep=KEPT_ROWS)
        self._written = await refusals.count_since(session, self._hour * HOUR_S)

    def _choose(self, refused: Sequence[Item]) -> tuple[Sequence[Refusal], Sequence[Item]]:
        kept: dict[tuple[str, str, str], Refusal] = {}
        counted: list[Item] = []
        for item in refused:
            refusal = _refusal(item)
            key = (refusal.payload_sha256, refusal.reason, refusal.claimed_meter_id)
            if (twin := kept.get(key)) is not None:
                kept[key] = replace(twin, seen=twin.seen + 1)
            elif item.refusal in COUNTED_ONLY or self._written + len(kept) >= self._rows_per_hour:
                counted.append(item)
            else:
                kept[key] = refusal
        return [kept[key] for key in sorted(kept)], counted


def _counters(items: Sequence[Item]) -> list[Refusal]:
    counts = Counter((_reason(item).value, item.submission.source) for item in items)
    by_reason: dict[str, Refusal] = {}
    for (reason, source), seen in sorted(counts.items()):
        before = by_reason.get(reason)
        by_reason[reason] = refusals.over_cap(reason, source, seen + (before.seen if before else 0))
    return list(by_reason.values())


def _refusal(item: Item) -> Refusal:
    payload = _payload(item)
    return Refusal(
        claimed_meter_id=item.meter_id[:64],
        sequence=_claimed_sequence(item),
        reason=_reason(item).value,
        detail=item.detail[:200],
        source=item.submission.source,
        payload=payload[:KEPT_BYTES],
        payload_sha256=hashlib.sha256(payload).hexdigest(),
    )


def _reason(item: Item) -> Reason:
    return item.refusal or Reason.MALFORMED


def _payload(item: Item) -> bytes:
    """What arrived; a statement in its binary form, whatever envelope it came in."""
    if item.frame is not None:
        return bytes((BINARY_VERSION,)) + item.frame.signed_bytes + item.frame.signature
    return item.refused.payload if item.refused is not None else b""


def _claimed_sequence(item: Item) -> str:
    if item.frame is not None:
        return str(item.frame.statement.sequence)
    return item.refused.claimed_sequence if item.refused is not None else ""
