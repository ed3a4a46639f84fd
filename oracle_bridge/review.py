"""Settlements that failed too often: an operator sees them and sends them back to work."""

from collections.abc import Sequence

from core.domain.clock import Clock
from core.store import work
from core.store.unit_of_work import Store
from core.store.work import Review


async def list_reviews(store: Store, *, limit: int = 100, after: str = "") -> list[Review]:
    """Meters in manual review, by meter id.

    Args:
        store: the database.
        limit: at most this many.
        after: start behind this meter id.
    """
    async with store.read() as session:
        return await work.reviews(session, limit=limit, after=after)


async def retry(store: Store, clock: Clock, meter_ids: Sequence[str] | None = None) -> list[str]:
    """Send meters in review back to work, all of them by default; returns those that were there.

    The bridge takes them in its next round, with all their attempts before them.
    """
    async with store.begin() as session:
        return await work.retry(session, meter_ids, now_ms=clock.now_ms())
