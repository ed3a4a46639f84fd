from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.running_bridge import Running, running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Running]:
    """The real bridge on the embedded chain, over either database."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").new_database()
    async with running(tmp_path, store_url=url) as made:
        yield made
