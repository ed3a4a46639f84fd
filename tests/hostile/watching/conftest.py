"""A running platform to attack, one for each file."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.support.platform import Grid, running_grid


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def grid(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Grid]:
    """The whole platform, running, with clients of its faces."""
    async with running_grid(tmp_path_factory.mktemp("platform")) as running:
        yield running
