"""The owner of every loop: named tasks, restarted while a part is away, stopped in reverse order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from core.domain.errors import OutcomeUnknown, Unavailable
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
STEADY_AFTER_S: Final = 60.0  # a loop that ran this long starts its next pause from the shortest again
STOP_DEADLINE_S: Final = 10.0

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Loop:
    name: str
    task: asyncio.Task[None]
    stop: Callable[[], None] | None


class Supervisor:
    """Runs named loops until a signal, a `stop()` or a failure.

    Use it as `async with Supervisor() as supervisor`. A loop that raises Unavailable or OutcomeUnknown is started again after a
    pause that doubles; any other exception stops everything and comes out of the `async with`.

    Args:
        stop_deadline_s: seconds that all loops together get to finish what is in hand.
        first_pause_s: seconds before the first restart.
        metrics: counts restarts.
    """

    def __init__(
        self,
        *,
        stop_deadline_s: float = STOP_DEADLINE_S,
        first_pause_s: float = FIRST_PAUSE_S,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._stop_deadline_s = stop_deadline_s
        self._first_pause_s = first_pause_s
        self._loops: list[_Loop] = []
        self._group = asyncio.TaskGroup()
        self._stopping = asyncio.Event()
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stop_all()
        finally:
            for loop in self._loops:
                loop.task.cancel()  # does nothing to those that ended
            await self._group.__aexit__(None, None, None)
        if problem is None and self._failure is not None:
            raise self._failure

    def run(self, name: str, loop: Callable[[], Awaitable[None]], *, stop: Callable[[], None] | None = None) -> None:
        """Start a loop now.

        Args:
            name: the task's name in logs.
            loop: called for each start; returning ends the loop for good.
            stop: asks the loop to finish by itself; without it the loop is cancelled.
        """
        task = self._group.create_task(self._keep(name, loop), name=name)
        self._loops.append(_Loop(name, task, stop))

    def stop(self) -> None:
        """Ask `until_signal` to return."""
        self._stopping.set()

    async def until_signal(self) -> None:
        """Wait for SIGINT, SIGTERM, `stop()` or the failure of a loop."""
        event_loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            event_loop.add_signal_handler(number, self.stop)
        try:
            await self._stopping.wait()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                event_loop.remove_signal_handler(number)

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run one loop, again and again while a part that it needs is away."""
        pause_s = self._first_pause_s
        now = asyncio.get_running_loop().time
        while True:
            started = now()
            try:
                await loop()
            except (Unavailable, OutcomeUnknown) as problem:  # a loop looks first, whatever it does
                pause_s = self._first_pause_s if now() - started > STEADY_AFTER_S else pause_s
                _log.warning("loop_waits", loop=name, pause_s=pause_s, why=str(problem))
                self._metrics.loop_restarts_total.labels(name).inc()
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            except Exception as problem:  # noqa: BLE001  # it stops everything and is raised at the exit
                _log.exception("loop_failed", loop=name)
                self._failure = self._failure or problem
                self.stop()
                return
            else:
                return

    async def _stop_all(self) -> None:
        """Stop in reverse order of starting: what feeds others was started last."""
        deadline = asyncio.get_running_loop().time() + self._stop_deadline_s
        for loop in reversed(self._loops):
            if loop.stop is not None:
                loop.stop()
                await _wait(loop.task, deadline)
            if not loop.task.done():
                loop.task.cancel()
                await _wait(loop.task, deadline)
            if not loop.task.done():
                _log.error("loop_did_not_stop", loop=loop.name, deadline_s=self._stop_deadline_s)


async def _wait(task: asyncio.Task[None], deadline: float) -> None:
    left_s = max(0.05, deadline - asyncio.get_running_loop().time())
    await asyncio.wait({task}, timeout=left_s)
