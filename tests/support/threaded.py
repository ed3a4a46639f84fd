"""A platform that runs in a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.support.platform import Grid, running_grid

STARTED_WITHIN_S = 120.0


@contextmanager
def platform_in_a_thread(folder: Path) -> Generator[Grid]:
    """Start the whole platform beside the caller; ask it by its URLs, and `ask` for what runs in its loop."""
    started, stopping = threading.Event(), asyncio.Event()
    running: list[tuple[asyncio.AbstractEventLoop, Grid]] = []
    failed: list[BaseException] = []

    async def live() -> None:
        async with running_grid(folder) as grid:
            running.append((asyncio.get_running_loop(), grid))
            started.set()
            await stopping.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as problem:  # noqa: BLE001  # told to the one who waits
            failed.append(problem)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="platform")
    thread.start()
    started.wait(STARTED_WITHIN_S)
    try:
        if not running:
            raise RuntimeError("the platform did not start") from (failed[0] if failed else None)
        yield running[0][1]
    finally:
        if running:
            running[0][0].call_soon_threadsafe(stopping.set)
        thread.join(STARTED_WITHIN_S)
    if failed:
        raise failed[0]
