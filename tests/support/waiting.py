"""Waiting for what happens on another connection."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, timeout_s: float = 10) -> None:
    """Return when the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what happens elsewhere sets no event here
            await asyncio.sleep(0.005)
