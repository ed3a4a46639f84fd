"""Whether each part works, asked by name."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from core.domain.clock import Clock
from core.domain.errors import DomainError
from core.runtime.clock import SystemClock
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics

CHECK_TIMEOUT_S: Final = 3.0  # a part that is slower than this is not well
WATCH_EVERY_S: Final = 15.0

Kind = Literal["embedded", "real", "own"]
"""Embedded in this process, somebody's by URL, or work of this platform itself."""
Check = Callable[[], Awaitable["HealthReport"]]

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What a check says of its part."""

    ok: bool
    detail: str
    """One sentence without secrets."""
    engine: str = ""
    """Name and version of what answered, where it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """One part's condition, as `/ready` tells it."""

    ok: bool
    detail: str
    kind: Kind
    engine: str
    """What answered when it last answered; empty before."""
    essential: bool
    """Whether the platform is not ready without it."""
    latency_ms: int
    """How long the check took."""
    checked_at: int
    """Unix seconds."""


@dataclass(slots=True)
class _Part:
    check: Check
    kind: Kind
    engine: str
    essential: bool


class Health:
    """The registry of the process's checks.

    Args:
        timeout_s: how long each check may take.
        clock: stamps reports.
        metrics: gets `part_up` and `ready` with every report.
    """

    def __init__(self, *, timeout_s: float = CHECK_TIMEOUT_S, clock: Clock | None = None, metrics: Metrics | None = None) -> None:
        self._metrics = metrics or Metrics()
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._parts: dict[str, _Part] = {}
        self._turn = asyncio.Lock()
        self._begun = -1.0
        self._last: Mapping[str, PartReport] = {}

    def register(self, name: str, check: Check, *, kind: Kind = "own", engine: str = "", essential: bool = True) -> None:
        """Add a check, or replace the one of that name.

        Args:
            name: the part's name in `/ready`.
            check: asks the part; it may raise or hang.
            kind: embedded, real, or work of the platform.
            engine: what is behind it, until the check itself tells.
            essential: whether the platform is not ready without it.
        """
        self._parts[name] = _Part(check, kind, engine, essential)

    async def report(self) -> Mapping[str, PartReport]:
        """Ask all parts at once; one that fails or hangs is reported as unwell, never raised.

        Callers who come while an asking is under way share the next one: a crowd costs the parts no more than two callers.
        """
        now = asyncio.get_running_loop().time
        called = now()
        async with self._turn:
            if self._begun < called:
                self._begun = now()
                self._last = await self._ask_all()
                self._tell(self._last)
            return self._last

    async def watch(self) -> None:
        """Keep the figures current for ever, though nobody asks."""
        while True:
            await self.report()
            await asyncio.sleep(WATCH_EVERY_S)

    def _tell(self, reports: Mapping[str, PartReport]) -> None:
        for name, part in reports.items():
            self._metrics.part_up.labels(name).set(part.ok)
        self._metrics.ready.set(is_ready(reports))

    async def _ask_all(self) -> Mapping[str, PartReport]:
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(self._ask(name, part), name=f"health-{name}") for name, part in self._parts.items()}
        return {name: task.result() for name, task in asked.items()}

    async def _ask(self, name: str, part: _Part) -> PartReport:
        now = asyncio.get_running_loop().time
        begun = now()
        said = await self._answer(name, part.check)
        part.engine = said.engine or part.engine
        return PartReport(
            ok=said.ok,
            detail=said.detail,
            kind=part.kind,
            engine=part.engine,
            essential=part.essential,
            latency_ms=round((now() - begun) * 1_000),
            checked_at=self._clock.now(),
        )

    async def _answer(self, name: str, check: Check) -> HealthReport:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await check()
        except TimeoutError:
            return HealthReport(ok=False, detail=f"no answer within {self._timeout_s:g} s")
        except DomainError as problem:
            return HealthReport(ok=False, detail=str(problem))
        except Exception:  # noqa: BLE001  # a broken check is a condition to report
            _log.exception("health_check_failed", part=name)
            return HealthReport(ok=False, detail="the check failed; see the log")


def is_ready(reports: Mapping[str, PartReport]) -> bool:
    """Whether every essential part is well."""
    return all(part.ok for part in reports.values() if part.essential)
