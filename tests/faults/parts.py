"""Parts of the platform as processes of their own, which can be killed, stopped for a while and started again."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final, Protocol

from core.runtime.crash_points import CrashPoint
from tests.faults import children
from tests.faults.children import Orders

STOPS_WITHIN_S: Final = 15.0
_FORKS: Final = multiprocessing.get_context("forkserver")
"""A server that has imported everything once forks each process: starting one costs milliseconds instead of seconds."""
_FORKS.set_forkserver_preload(["tests.faults.children"])


class Part(Protocol):
    """One process, or one server of several."""

    name: str

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Ask it to end, as an operator does."""
        ...

    async def kill(self) -> None:
        """End it as a power cut does."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    @property
    def is_alive(self) -> bool: ...


class ForkedPart:
    """A process of Python.

    Args:
        name: of the part.
        target: a function of `tests.faults.children`.
        arguments: its arguments after the orders.
        folder: takes its log and its clock's file.
    """

    def __init__(self, name: str, target: Callable[..., None], *arguments: Any, folder: Path) -> None:
        self.name = name
        self._target = target
        self._arguments = arguments
        self._orders = Orders(log=folder / f"{name}.log", clock=folder / f"{name}.clock", epitaph=folder / f"{name}.epitaph")
        self._process: ForkServerProcess | None = None

    @property
    def log(self) -> Path:
        return self._orders.log

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def died_as_ordered(self) -> bool:
        """Whether a life of it ended at the point that was ordered."""
        return self._orders.epitaph.exists()

    def order_death(self, point: CrashPoint, nth: int = 1) -> None:
        """One life of it ends at its n-th visit to a point; the lives after that have no orders."""
        self._orders = replace(self._orders, die_at=point, nth=nth)

    def set_clock(self, off_by_s: int) -> None:
        """From now on its clock is off by so many seconds."""
        draft = self._orders.clock.with_suffix(".draft")
        draft.write_text(str(off_by_s))
        draft.replace(self._orders.clock)

    async def start(self) -> None:
        assert not self.is_alive, f"{self.name} runs already"
        orders = replace(self._orders, die_at=None) if self.died_as_ordered else self._orders
        process = _FORKS.Process(target=children.run, args=(self._target, orders, *self._arguments), name=self.name)
        process.start()
        self._process = process

    async def stop(self) -> None:
        if self._process is not None and self._process.is_alive():
            self.resume()
            self._process.terminate()
            await self.wait_dead(STOPS_WITHIN_S)

    async def kill(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            await self.wait_dead(STOPS_WITHIN_S)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def wait_dead(self, within_s: float) -> None:
        """Return when the process is gone.

        Raises:
            TimeoutError: it is still there.
        """
        async with asyncio.timeout(within_s):
            while self.is_alive:  # noqa: ASYNC110  # a process sets no event
                await asyncio.sleep(0.01)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)
