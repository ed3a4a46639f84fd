"""The owner of every loop."""

import asyncio
import os
import signal

import pytest

from core.domain.errors import Unavailable
from core.runtime.supervisor import Supervisor


async def test_loops_stop_in_reverse_order_of_starting():
    stopped: list[str] = []

    async def loop(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(name)

    async with Supervisor() as supervisor:
        for name in ("store", "bridge", "subscriber"):
            supervisor.run(name, lambda name=name: loop(name))
        await asyncio.sleep(0)

    assert stopped == ["subscriber", "bridge", "store"]


async def test_a_loop_starts_again_while_a_part_is_away():
    starts = 0

    async def loop() -> None:
        nonlocal starts
        starts += 1
        if starts < 4:
            raise Unavailable("the broker is away")
        supervisor.stop()

    async with Supervisor(first_pause_s=0.001) as supervisor:
        supervisor.run("subscriber", loop)
        await supervisor.until_signal()

    assert starts == 4


async def test_any_other_failure_stops_everything_and_comes_out():
    others: list[str] = []

    async def fail() -> None:
        raise ValueError("a programming error")

    async def other() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            others.append("stopped")

    async def live() -> None:
        async with Supervisor() as supervisor:
            supervisor.run("other", other)
            supervisor.run("failing", fail)
            await supervisor.until_signal()

    with pytest.raises(ValueError, match="a programming error"):
        await live()
    assert others == ["stopped"]


async def test_a_signal_stops_all():
    async with Supervisor() as supervisor:
        supervisor.run("loop", _forever)
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(supervisor.until_signal(), 5)


async def test_a_loop_that_is_asked_finishes_what_is_in_hand():
    asked, finished = asyncio.Event(), False

    async def loop() -> None:
        nonlocal finished
        await asked.wait()
        await asyncio.sleep(0.01)
        finished = True

    async with Supervisor() as supervisor:
        supervisor.run("loop", loop, stop=asked.set)
        await asyncio.sleep(0)

    assert finished


async def test_a_loop_that_does_not_finish_in_time_is_cut_off():
    async def deaf() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with Supervisor(stop_deadline_s=0.05) as supervisor:
            supervisor.run("deaf", deaf, stop=lambda: None)
            await asyncio.sleep(0)


async def _forever() -> None:
    await asyncio.Event().wait()
