"""Every part restarts in the middle of a day on bad lines; in the end every Wh has its token, once (R3.4)."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from broker.credentials import CredentialCheck
from broker.embedded import EmbeddedBroker
from broker.passwords import password_matches
from core.runtime.clock import SystemClock
from core.runtime.settings import Settings
from core.store import Store
from deploy.chain import embedded_chain
from deploy.keys import KeyFolder
from deploy.logins import stored_logins
from deploy.platform import Platform
from programs.localnet import Localnet
from tests.support.fleet_day import fleet_day, returning_settings
from tests.support.up import gridtokenx_up

pytestmark = pytest.mark.timeout(170)


async def test_the_platform_stops_and_starts_while_the_fleet_lives_on(tmp_path: Path):
    settings = returning_settings(tmp_path)
    async with fleet_day(settings, seed=11) as day:
        async with Platform(settings):
            await day.fleet.connect()
            await day.live(8, pause_s=0)
        await day.live(4)  # nobody is there: journals grow
        async with Platform(settings), asyncio.TaskGroup() as tasks:
            living = tasks.create_task(day.live(8), name="the fleet lives")
            await asyncio.sleep(1.5)
            assert not living.done() or day.ticks_done == 20
        async with Platform(settings) as platform:
            await day.finish()
            await day.audit(platform)


async def test_the_whole_of_gridtokenx_up_is_killed_twice_and_comes_back(tmp_path: Path):
    settings = returning_settings(tmp_path / "data")
    async with fleet_day(settings, seed=12) as day:
        async with gridtokenx_up(settings, tmp_path) as process:
            await day.fleet.connect()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(day.live(10), name="the fleet lives")
                await asyncio.sleep(0.7)
                process.send_signal(signal.SIGKILL)
        async with gridtokenx_up(settings, tmp_path) as process, asyncio.TaskGroup() as tasks:
            tasks.create_task(day.live(10, pause_s=0.2), name="the fleet lives")
            await asyncio.sleep(1.6)
            process.send_signal(signal.SIGKILL)
        async with gridtokenx_up(settings, tmp_path) as process:
            await day.finish()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        async with Platform(settings) as platform:
            await day.audit(platform)


async def test_broker_chain_and_bridge_restart_one_after_the_other(tmp_path: Path):
    settings = returning_settings(tmp_path)
    async with fleet_day(settings, seed=13) as day, separate_parts(settings) as parts:
        async with Platform(parts.settings) as platform, httpx.AsyncClient(base_url=platform.endpoints.api_url) as http:
            await day.fleet.connect()
            await day.live(6)

            await parts.broker.stop()
            await day.live(3)
            await parts.broker.start()
            await day.live(3)

            await parts.chain.stop()
            await day.live(3)
            down = await http.get("/ready")
            assert (down.status_code, down.json()["parts"]["chain"]["ok"]) == (503, False)
            assert (await http.get("/api/tokens/info")).status_code == 503
            await parts.start_chain()
            await day.live(3)
        await day.live(3)  # the bridge is away, broker and chain are there
        async with Platform(parts.settings) as platform:
            await day.finish()
            await day.audit(platform)


class SeparateParts:
    """Broker and chain beside the platform, on the same ports and folders after every start."""

    def __init__(self, settings: Settings, broker: EmbeddedBroker) -> None:
        self._own = settings
        self.broker = broker
        self.chain = self._new_chain()
        self.settings = settings.model_copy(
            update={
                "mqtt": settings.mqtt.model_copy(
                    update={"url": f"mqtt://127.0.0.1:{settings.mqtt.embedded_port}", "password": BRIDGE_PASSWORD}
                ),
                "chain": settings.chain.model_copy(update={"rpc_url": f"http://127.0.0.1:{settings.chain.embedded_port}"}),
            }
        )

    async def start_chain(self) -> None:
        self.chain = self._new_chain()
        await self.chain.start()

    def _new_chain(self) -> Localnet:
        keys = KeyFolder(path=self._own.keys_dir)
        return embedded_chain(self._own.data_dir / "chain", self._own.chain, keys, SystemClock())


BRIDGE_PASSWORD = Settings.model_validate({"mqtt": {"password": "the bridge's"}}).mqtt.password


@asynccontextmanager
async def separate_parts(settings: Settings) -> AsyncGenerator[SeparateParts]:
    """Start broker and chain outside of the platform."""
    store = Store(settings.database_url)
    check = CredentialCheck(
        find=stored_logins(store),
        matches=password_matches,
        bridge_username=settings.mqtt.username,
        bridge_password="the bridge's",
        clock=SystemClock(),
    )
    parts = SeparateParts(settings, EmbeddedBroker(check, port=settings.mqtt.embedded_port))
    await parts.broker.start()
    await parts.chain.start()
    try:
        yield parts
    finally:
        await parts.chain.stop()
        await parts.broker.stop()
        await store.close()
