from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.bridge_world import World, bridge_world
from tests.support.running_bridge import Running, running


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    """A bridge over a chain that misbehaves on command."""
    async with bridge_world(tmp_path) as made:
        yield made


@pytest.fixture
async def live(tmp_path: Path) -> AsyncGenerator[Running]:
    """The real bridge on the embedded chain with the real programs."""
    async with running(tmp_path) as made:
        yield made
