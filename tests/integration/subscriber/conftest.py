"""The same subscriber suite runs on both brokers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.brokers import RunningBroker, running_broker


@pytest.fixture(params=["embedded", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunningBroker]:
    async with running_broker(request.param, tmp_path) as running:
        yield running
