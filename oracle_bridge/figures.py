"""The figures that come from rows and chain, read together every few seconds."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from itertools import pairwise
from typing import Final, final

from core.domain.clock import Clock
from core.domain.errors import DomainError
from core.domain.readings import MeterStatus
from core.domain.verdicts import Reason
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from core.store import figures, work
from core.store.figures import Figures
from core.store.unit_of_work import Store
from oracle_bridge.condition import Condition
from programs.client.rpc import ChainClient

EVERY_S: Final = 15.0
SILENT_AFTER_S: Final = 86_400
RATE_OVER_S: Final = 3_600

_log = get_logger(__name__)


@final
class FiguresLoop:
    """Keeps gauges current. What cannot be read keeps its last value, and `figures_read_timestamp_seconds` its age.

    Args:
        store: the database.
        chain: the node.
        condition: balances and clocks.
        metrics: where the figures go.
        clock: the present.
    """

    def __init__(self, *, store: Store, chain: ChainClient, condition: Condition, metrics: Metrics, clock: Clock) -> None:
        self._store = store
        self._chain = chain
        self._condition = condition
        self._metrics = metrics
        self._clock = clock
        self._spending: dict[str, Spending] = {}

    async def run(self) -> None:
        """Read for ever; a part that is away is logged, not fatal: other parts' figures go on."""
        while True:
            rows, chain = await self._tried("rows", self.read_rows()), await self._tried("chain", self.read_chain())
            if rows and chain:
                self._metrics.figures_read_timestamp_seconds.set(self._clock.now())
            await asyncio.sleep(EVERY_S)

    async def read_rows(self) -> None:
        """Work, outbox, meters, readings in doubt.

        Raises:
            Unavailable: the database is away.
        """
        async with self._store.read() as session:
            found = await figures.read(session, silent_before=self._clock.now() - SILENT_AFTER_S)
        self._tell_work(found)
        self._tell_meters(found)

    async def read_chain(self) -> None:
        """Slot, clock, payers.

        Raises:
            Unavailable: the node is away.
        """
        self._metrics.chain_slot.set(await self._chain.slot())
        self._metrics.chain_clock_skew_seconds.set(await self._condition.clock_skew_s())
        for payer, lamports in (await self._condition.balances()).items():
            spending = self._spending.setdefault(payer, Spending())
            spending.saw(lamports, at=self._clock.now())
            self._metrics.payer_balance_lamports.labels(payer=payer).set(lamports)
            self._metrics.payer_runway_seconds.labels(payer=payer).set(spending.runway_s)

    async def _tried(self, what: str, reading: Awaitable[None]) -> bool:
        try:
            await reading
        except DomainError as problem:
            _log.warning("figures_not_read", what=what, why=str(problem))
            return False
        return True

    def _tell_work(self, found: Figures) -> None:
        told, now_ms = self._metrics, self._clock.now_ms()
        for state in (work.IDLE, work.DUE, work.LEASED, work.REVIEW):
            told.settlement_work.labels(state).set(found.work.get(state, 0))
        for status in work.OPEN_STATUSES:
            told.outbox_transactions.labels(status).set(found.outbox.get(status, 0))
        told.settlement_oldest_due_seconds.set(_age_s(found.oldest_due_at_ms, now_ms))
        told.settlement_attempts_most.set(found.most_attempts)
        told.review_pending.set(found.work.get(work.REVIEW, 0))
        told.outbox_oldest_seconds.set(_age_s(found.oldest_open_at_ms, now_ms))

    def _tell_meters(self, found: Figures) -> None:
        told = self._metrics
        for status in MeterStatus:
            told.meters.labels(status.name.lower()).set(found.meters.get(status.name.lower(), 0))
        told.meters_with_gaps.set(found.meters_with_gaps)
        told.meters_silent.set(found.meters_silent)
        for reason in (Reason.OVER_CAPACITY, Reason.IMPLAUSIBLE, Reason.HELD):
            told.readings_in_doubt.labels(reason.value).set(found.in_doubt.get(reason.value, 0))
        told.quarantined_wh.labels("generation").set(found.quarantined_generation_wh)
        told.quarantined_wh.labels("consumption").set(found.quarantined_consumption_wh)


@final
class Spending:
    """What a payer spent in the last hour; money that comes in is no negative spending."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def saw(self, lamports: int, *, at: int) -> None:
        """Add a look at the balance, in order of time (Unix seconds)."""
        self._seen.append((at, lamports))
        while self._seen[0][0] < at - RATE_OVER_S:
            self._seen.popleft()

    @property
    def runway_s(self) -> float:
        """Seconds until nothing is left at the rate seen; infinite while nothing was spent."""
        looks = list(self._seen)
        spent = sum(max(0, before - after) for (_, before), (_, after) in pairwise(looks))
        took_s = looks[-1][0] - looks[0][0] if looks else 0
        return looks[-1][1] * took_s / spent if spent and took_s else float("inf")


def _age_s(at_ms: int | None, now_ms: int) -> float:
    return 0.0 if at_ms is None else max(0, now_ms - at_ms) / 1_000
