"""Being the only one who writes derived rows: what a rebuild needs, and a bridge at work denies."""

import asyncio
import secrets
from typing import Final, final

from core.domain.clock import Clock
from core.domain.errors import Conflict
from core.store import duties, rebuilding
from core.store.unit_of_work import Session, Store
from oracle_bridge.duties import LONGEST_LEASE_MS

LEASE_MS: Final = LONGEST_LEASE_MS
LOOK_EVERY_S: Final = 0.5


pause = asyncio.sleep
"""Between two looks at a lease."""


@final
class Alone:
    """The indexer's duty, held for a rebuild: a bridge that starts meanwhile waits for it.

    Args:
        store: the database.
        clock: the present.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._owner = f"rebuild {secrets.token_hex(4)}"
        self._kept_at_ms = 0

    async def begin(self) -> None:
        """Take the duty. What a killed bridge left runs out within 45 seconds; one that renews its lease is at work.

        Raises:
            Conflict: a bridge is at work on this database.
            Unavailable: the database is away.
        """
        first: tuple[str, int] | None = None
        while not await self._take():
            async with self._store.read() as session:
                holder = await rebuilding.indexers_lease(session)
            first = first or holder
            if holder is not None and holder != first:
                raise Conflict(f"{holder[0]} is at work on this database: stop it, then repeat")
            await pause(LOOK_EVERY_S)

    async def keep(self) -> None:
        """Call this now and then."""
        if self._clock.now_ms() - self._kept_at_ms > LEASE_MS / 3:
            await self._take()

    async def require(self, session: Session) -> None:
        """See in the transaction that writes that nobody took over.

        Raises:
            Conflict: a bridge did.
        """
        holder = await rebuilding.indexers_lease(session)
        if holder is None or holder[0] != self._owner:
            raise Conflict("a bridge has begun its work on this database: stop it, then repeat")

    async def end(self) -> None:
        """Let a bridge begin."""
        async with self._store.begin() as session:
            await duties.give_back(session, duties.INDEXER, owner=self._owner)

    async def _take(self) -> bool:
        self._kept_at_ms = self._clock.now_ms()
        async with self._store.begin() as session:
            return await duties.take(session, duties.INDEXER, owner=self._owner, now_ms=self._kept_at_ms, lease_ms=LEASE_MS)
