from collections.abc import AsyncIterator

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed

from programs.localnet import Localnet
from tests.integration.localnet.steps import fast


@pytest.fixture
async def localnet() -> AsyncIterator[Localnet]:
    async with Localnet(fast()) as running:
        yield running


@pytest.fixture
async def client(localnet: Localnet) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(localnet.rpc_url, Confirmed) as connected:
        yield connected
