"""The loops that settle: one plans and submits, one follows, one keeps leases."""

import asyncio
from typing import Final

from core.domain.clock import Clock
from core.runtime.settings import SettlementSettings
from core.store import work
from core.store.unit_of_work import Store
from oracle_bridge.submitter import Submitter

FOLLOW_EVERY_S: Final = 0.15
"""While transactions are open: a fraction of a slot (0.4 s)."""
LOOK_EVERY_S: Final = 1.0
"""Fallback when nothing wakes the loop: another process may have written work, or a back-off may have ended."""
SHORTEST_PAUSE_S: Final = 0.1
"""Readings of one moment share transactions."""


class SettlementLoop:
    """Settles on arrival, or every polling interval.

    Args:
        submitter: plans, sends and follows.
        store: the database.
        settings: mode, interval, transactions per round.
        clock: the present.
    """

    def __init__(self, *, submitter: Submitter, store: Store, settings: SettlementSettings, clock: Clock) -> None:
        self._submitter = submitter
        self._store = store
        self._settings = settings
        self._clock = clock
        self._work = asyncio.Event()
        self._sent = asyncio.Event()

    def wake(self) -> None:
        """There is something to settle."""
        self._work.set()

    def wake_follower(self) -> None:
        """There is something to follow."""
        self._sent.set()

    async def settle(self) -> None:
        """Rounds for ever."""
        while True:
            self._work.clear()
            sent = await self.round()
            await self._pause(busy=sent > 0)

    async def round(self) -> int:
        """Plan and send what is due now, up to the round's transactions less those still open; returns how many."""
        room = self._settings.max_transactions_per_round - await self._submitter.count_open()
        sent = 0
        while sent < room:
            drafted = await self._submitter.draft(room - sent)
            if not drafted:
                break
            sent += len(drafted)
            await self._submitter.submit(drafted)
            self._sent.set()
        return sent

    async def follow(self) -> None:
        """Look after open transactions for ever; each end makes room for more work."""
        still_open = 0
        while True:
            self._sent.clear()
            before, still_open = still_open, await self._submitter.follow()
            if still_open < before:
                self._work.set()
            await _wait(self._sent, LOOK_EVERY_S if still_open == 0 else FOLLOW_EVERY_S, at_least_s=FOLLOW_EVERY_S)

    async def _pause(self, *, busy: bool) -> None:
        """Until the next round. Work that is due and was not to be had (its meter is suspended or in flight) wakes nobody."""
        if self._settings.mode == "polling":
            await asyncio.sleep(self._settings.polling_interval_s)
            return
        async with self._store.read() as session:
            due_at_ms = await work.next_due_at_ms(session)
        left_s = LOOK_EVERY_S if due_at_ms is None else (due_at_ms - self._clock.now_ms()) / 1_000
        longest_s = left_s if busy or left_s > 0 else LOOK_EVERY_S
        await _wait(self._work, min(longest_s, LOOK_EVERY_S), at_least_s=SHORTEST_PAUSE_S)


async def _wait(event: asyncio.Event, longest_s: float, *, at_least_s: float) -> None:
    """Until the event or the time is over, but never less than `at_least_s`: a busy caller must not spin."""
    await asyncio.sleep(at_least_s)
    try:
        async with asyncio.timeout(max(0.0, longest_s - at_least_s)):
            await event.wait()
    except TimeoutError:
        pass
