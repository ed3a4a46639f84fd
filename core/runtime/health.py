"""Whether each part works, asked by name."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from core.domain.errors import DomainError
from core.runtime.logging import get_logger

CHECK_TIMEOUT_S: Final = 3.0  # a part that is slower than this is not well

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """One part's condition."""

    ok: bool
    detail: str
    """One sentence without secrets."""


class Health:
    """The registry of the process's checks."""

    def __init__(self, *, timeout_s: float = CHECK_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._checks: dict[str, Callable[[], Awaitable[HealthReport]]] = {}

    def register(self, name: str, check: Callable[[], Awaitable[HealthReport]]) -> None:
        """Add a check, or replace the one of that name."""
        self._checks[name] = check

    async def report(self) -> Mapping[str, HealthReport]:
        """Ask all parts at once; one that fails or hangs is reported as unwell, never raised."""
        async with asyncio.TaskGroup() as group:
            asked = {
                name: group.create_task(self._ask(name, check), name=f"health-{name}") for name, check in self._checks.items()
            }
        return {name: task.result() for name, task in asked.items()}

    async def _ask(self, name: str, check: Callable[[], Awaitable[HealthReport]]) -> HealthReport:
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
