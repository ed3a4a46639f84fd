"""From messages to the intake: a bounded backlog, micro-batches, and an acknowledgement only after the commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar, final

from core.domain.errors import OutcomeUnknown, Unavailable
from core.domain.identity import MeterId
from core.runtime.crash_points import CrashPoint, Reached, pass_by
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from devices.receipts import ReceiptMessage
from devices.topics import Channel

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
REFUSAL_ATTEMPTS: Final = 3
_log = get_logger(__name__)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message of a device, not yet acknowledged."""

    meter_id: MeterId
    channel: Channel
    payload: bytes
    received_at: int
    """Unix seconds."""
    epoch: int
    """The connection it came by; its packet id means something there alone."""
    packet_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestLimits:
    """How much is taken at once, and how much may wait."""

    max_batch: int = 256
    """Messages of one micro-batch."""
    max_batch_bytes: int = 131_072
    """Payload bytes of one micro-batch: about a thousand statements, so that checking and committing overlap."""
    max_wait_ms: int = 20
    """How long the first message of a batch waits for company."""
    max_backlog: int = 4_096
    """Messages waiting before the connection is no longer read."""
    max_in_hand: int = 2
    """Batches in work at once: the signatures of one are checked while another is committed."""


Take = Callable[[Sequence[Arrival]], Awaitable[Sequence[ReceiptMessage]]]
"""Commit a batch and say what to answer; raises Unavailable or OutcomeUnknown when it should come again."""
Refuse = Callable[[Arrival, str], Awaitable[None]]
"""Keep a message that no batch can take as a refusal."""


@final
class Ingest:
    """Takes arrivals in batches, begun in order of arrival, and acknowledges each batch after `take` returned.

    Args:
        take: Commits a batch.
        refuse: Records one poison message.
        acknowledge: Tells the broker.
        answer: Tells the devices, after the broker.
        set_aside: Told when a message could be neither taken nor refused; it stays unacknowledged and must be asked for again.
        metrics: Counters.
        limits: Sizes and times.
        reached: Told at each step.
    """

    def __init__(
        self,
        *,
        take: Take,
        refuse: Refuse,
        acknowledge: Callable[[Arrival], None],
        answer: Callable[[Sequence[ReceiptMessage]], Awaitable[None]],
        set_aside: Callable[[Arrival], None],
        metrics: Metrics,
        limits: IngestLimits,
        reached: Reached = pass_by,
    ) -> None:
        self._take = take
        self._refuse = refuse
        self._acknowledge = acknowledge
        self._answer = answer
        self._set_aside = set_aside
        self._metrics = metrics
        self._limits = limits
        self._reached = reached
        self._waiting: deque[Arrival] = deque()
        self._in_hand: list[Sequence[Arrival]] = []
        metrics.ingest_backlog_limit.set(limits.max_backlog)
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._enough = asyncio.Event()
        self._stopping = asyncio.Event()
        self.on_relief: Callable[[], None] | None = None
        """Called when the backlog has shrunk so far that reading may go on."""

    @property
    def is_full(self) -> bool:
        """Whether the backlog has reached its limit."""
        return len(self._waiting) >= self._limits.max_backlog

    @property
    def waiting(self) -> int:
        """Messages received and not yet taken into a batch."""
        return len(self._waiting)

    @property
    def oldest_received_at(self) -> int | None:
        """When the oldest message that is not acknowledged came, Unix seconds; None when there is none."""
        firsts = [batch[0].received_at for batch in self._in_hand if batch]
        if self._waiting:
            firsts.append(self._waiting[0].received_at)
        return min(firsts, default=None)

    def offer(self, arrival: Arrival) -> None:
        """Queue a message; look at `is_full` afterwards."""
        self._waiting.append(arrival)
        self._bytes += len(arrival.payload)
        self._arrived.set()
        if self._is_enough():
            self._enough.set()

    async def run(self) -> None:
        """Work until `stop`, then finish the batches in hand."""
        free_hands = asyncio.Semaphore(self._limits.max_in_hand)
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                await free_hands.acquire()
                batch = await self._next_batch()
                task = group.create_task(self._work_on(batch), name="ingest-batch")
                task.add_done_callback(lambda _: free_hands.release())
                if self.on_relief is not None and 2 * len(self._waiting) <= self._limits.max_backlog:
                    self.on_relief()

    def stop(self) -> None:
        """Take nothing new; what waits stays unacknowledged and comes again."""
        self._stopping.set()
        self._arrived.set()
        self._enough.set()

    async def _next_batch(self) -> list[Arrival]:
        if not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        if not self._is_enough() and not self._stopping.is_set():
            self._enough.clear()
            with suppress(TimeoutError):  # then the batch is what has come in the meantime
                async with asyncio.timeout(self._limits.max_wait_ms / 1000):
                    await self._enough.wait()
        return [] if self._stopping.is_set() else self._cut()

    def _is_enough(self) -> bool:
        return len(self._waiting) >= self._limits.max_batch or self._bytes >= self._limits.max_batch_bytes

    def _cut(self) -> list[Arrival]:
        batch: list[Arrival] = []
        size = 0
        while self._waiting and len(batch) < self._limits.max_batch and size < self._limits.max_batch_bytes:
            arrival = self._waiting.popleft()
            size += len(arrival.payload)
            batch.append(arrival)
        self._bytes -= size
        return batch

    async def _work_on(self, batch: Sequence[Arrival]) -> None:
        self._in_hand.append(batch)
        try:
            await self._finish(batch)
        finally:
            self._in_hand.remove(batch)

    async def _finish(self, batch: Sequence[Arrival]) -> None:
        """Take a batch; if it fails as a whole, halve it until the poison message is alone."""
        if not batch:
            return
        receipts: Sequence[ReceiptMessage] = ()
        self._reached(CrashPoint.INGEST_ARRIVED)
        try:
            receipts = await self._until_available(lambda: self._take(batch))
        except Exception as problem:  # noqa: BLE001  # whatever one message provokes must not stop the others
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._finish(batch[:middle])
                await self._finish(batch[middle:])
                return
            if not await self._refused(batch[0], problem):
                return
        for arrival in batch:
            self._acknowledge(arrival)
        self._reached(CrashPoint.INGEST_ACKNOWLEDGED)
        await self._answer(receipts)
        self._reached(CrashPoint.INGEST_ANSWERED)

    async def _refused(self, arrival: Arrival, problem: Exception) -> bool:
        """Record a poison message; False when even that fails, for then the fault may be ours and nothing may be lost."""
        _log.error("poison_message", meter_id=arrival.meter_id, channel=arrival.channel.value, why=type(problem).__name__)
        for attempt in range(REFUSAL_ATTEMPTS):
            try:
                await self._until_available(lambda: self._refuse(arrival, f"intake failed: {type(problem).__name__}"))
            except Exception as second:  # noqa: BLE001  # tried again, then set aside unacknowledged
                _log.error("refusal_failed", meter_id=arrival.meter_id, attempt=attempt + 1, why=type(second).__name__)
                await asyncio.sleep(FIRST_PAUSE_S * 2**attempt)
            else:
                return True
        self._set_aside(arrival)
        return False

    async def _until_available(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        """Repeat while the database is away; every message may be taken twice without harm."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await work()
            except (Unavailable, OutcomeUnknown) as problem:
                self._metrics.intake_retries_total.inc()
                _log.warning("intake_waits", pause_s=pause_s, why=str(problem))
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
