"""What the harness's processes run: the platform's own parts, each alone, with a clock and an end that the harness chooses."""

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from broker.credentials import CredentialCheck
from broker.embedded import EmbeddedBroker
from broker.passwords import password_matches
from core.runtime.clock import SystemClock
from core.runtime.crash_points import CrashPoint, Reached, pass_by
from core.runtime.logging import configure
from core.runtime.settings import Settings
from core.runtime.supervisor import Supervisor
from core.store import Store
from deploy.chain import embedded_chain
from deploy.keys import KeyFolder
from deploy.logins import stored_logins
from deploy.platform import Part, Platform
from tests.faults.broken import Breakage, break_it

_DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the harness wants of one life of a process."""

    log: Path
    clock: Path
    """Holds the seconds that this process's clock is off by; read at every look at the clock."""
    epitaph: Path
    """Written at the ordered death."""
    die_at: CrashPoint | None = None
    nth: int = 1
    """The visit to the point at which to die, counted from 1."""


class SkewedClock:
    """The machine's clock, off by what a file says at this moment."""

    def __init__(self, file: Path) -> None:
        self._true = SystemClock()
        self._file = file

    def now(self) -> int:
        return self._true.now() + self._off_by_s()

    def now_ms(self) -> int:
        return self._true.now_ms() + 1_000 * self._off_by_s()

    def _off_by_s(self) -> int:
        try:
            return int(self._file.read_text())
        except (OSError, ValueError):  # not written, or being written
            return 0


def run(target: Callable[..., None], orders: Orders, *arguments: Any) -> None:
    """The first thing in a new process: what it says goes into its log."""
    log = os.open(orders.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # a harness that is killed leaves nothing behind
    target(orders, *arguments)


def platform(orders: Orders, settings: Settings, part: Part, broken: Breakage | None) -> None:
    """`gridtokenx up --only …`, with orders."""
    if broken is not None:
        break_it(broken)
    configure(settings.log_level, settings.log_format)

    async def serve() -> None:
        made = Platform(settings, clock=SkewedClock(orders.clock), reached=_ending(orders), only=part)
        async with made:
            await made.supervisor.until_signal()

    asyncio.run(serve())


def localnet(orders: Orders, settings: Settings) -> None:
    """`gridtokenx localnet`, with orders."""

    async def serve() -> None:
        keys = KeyFolder(path=settings.keys_dir)
        async with (
            embedded_chain(settings.data_dir / "chain", settings.chain, keys, SkewedClock(orders.clock)),
            Supervisor() as supervisor,
        ):
            await supervisor.until_signal()

    asyncio.run(serve())


def mosquitto(orders: Orders, program: str, config: Path) -> None:
    """Become Mosquitto."""
    del orders
    os.execv(program, [program, "-c", str(config)])  # noqa: S606  # the program that the harness found


def embedded_broker(orders: Orders, settings: Settings, database: str, password: str) -> None:
    """The broker of `gridtokenx up` alone, where Mosquitto is not installed."""

    async def serve() -> None:
        store = Store(database)
        check = CredentialCheck(
            find=stored_logins(store),
            matches=password_matches,
            bridge_username=settings.mqtt.username,
            bridge_password=password,
            clock=SkewedClock(orders.clock),
        )
        async with EmbeddedBroker(check, port=settings.mqtt.embedded_port), Supervisor() as supervisor:
            await supervisor.until_signal()
        await store.close()

    asyncio.run(serve())


def _ending(orders: Orders) -> Reached:
    """Die at the ordered visit to the ordered point, as a process dies whose power is cut."""
    if orders.die_at is None:
        return pass_by
    left = orders.nth

    def reached(point: CrashPoint) -> None:
        nonlocal left
        if point is not orders.die_at:
            return
        left -= 1
        if left == 0:
            orders.epitaph.write_text(point.value)
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
