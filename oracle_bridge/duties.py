"""Work that one bridge at a time does for all bridges on its database, and another takes over when it falls silent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, final

from core.domain.clock import Clock
from core.domain.errors import DomainError
from core.runtime.health import HealthReport
from core.runtime.logging import get_logger
from core.store import duties as rows
from core.store.unit_of_work import Store

LONGEST_LEASE_MS: Final = 45_000
"""Events, books and tables should not wait as long as transactions, whose blockhash must die first."""
_log = get_logger(__name__)


@final
class Duties:
    """This bridge's share of them. Nothing is wrong when two do the same for a moment: it only costs more.

    Args:
        store: the database.
        clock: the present.
        owner: this bridge's name.
        lease_s: a duty is somebody else's after this silence, at most 45 seconds.
    """

    def __init__(self, *, store: Store, clock: Clock, owner: str, lease_s: int) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._lease_ms = min(lease_s * 1_000, LONGEST_LEASE_MS)

    async def mine(self, name: str) -> bool:
        """Take a duty, or keep it; whether it is this bridge's until the lease ends."""
        async with self._store.begin() as session:
            now_ms = self._clock.now_ms()
            return await rows.take(session, name, owner=self._owner, now_ms=now_ms, lease_ms=self._lease_ms)

    def holding(self, name: str, loop: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        """The loop, run only while the duty is this bridge's.

        What the loop raises comes out; a lease that cannot be renewed ends it. Who stops in order gives the duty back.
        """

        async def run() -> None:
            try:
                while True:
                    await self._until_mine(name)
                    _log.info("duty_taken", duty=name)
                    await self._until_lost(name, loop)
            finally:
                await self._give_back(name)

        return run

    async def _until_lost(self, name: str, loop: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._while_mine(name, loop)
        except ExceptionGroup as problems:
            problem = _first(problems)
            if not isinstance(problem, _Lost):
                raise problem from problems
            _log.warning("duty_lost", duty=name)

    async def _give_back(self, name: str) -> None:
        """Without it the others wait until the lease runs out, which does no harm."""
        with suppress(DomainError):
            async with self._store.begin() as session:
                await rows.give_back(session, name, owner=self._owner)

    async def health(self, name: str, own: Callable[[], Awaitable[HealthReport]]) -> HealthReport:
        """What this bridge's own check says when the duty is its own; else whether somebody else keeps it."""
        async with self._store.read() as session:
            holder = await rows.holder(session, name, now_ms=self._clock.now_ms())
        if holder == self._owner:
            return await own()
        return HealthReport(ok=holder is not None, detail="nobody does it yet" if holder is None else f"{holder} does it for all")

    async def _until_mine(self, name: str) -> None:
        while not await self.mine(name):  # noqa: ASYNC110  # another process's silence sets no event
            await asyncio.sleep(self._renewal_s)

    async def _while_mine(self, name: str, loop: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep(name), name=f"duty-{name}")
            await loop()
            keeping.cancel()

    async def _keep(self, name: str) -> None:
        while True:
            await asyncio.sleep(self._renewal_s)
            if not await self.mine(name):
                raise _Lost

    @property
    def _renewal_s(self) -> float:
        return self._lease_ms / 3_000


class _Lost(Exception):  # noqa: N818  # what happened to the lease
    """The duty is another bridge's."""


def _first(problem: Exception) -> Exception:
    """The first plain exception in a group of groups."""
    while isinstance(problem, ExceptionGroup):
        problem = problem.exceptions[0]
    return problem
