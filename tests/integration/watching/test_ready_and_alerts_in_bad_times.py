"""Each real part is killed in turn: `/ready` names it, its alert's expression is true for a real Prometheus, and both recover."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from core.runtime.clock import SystemClock
from core.runtime.settings import Settings
from deploy.chain import embedded_chain
from deploy.keys import KeyFolder
from programs.localnet import Localnet
from tests.support.mosquitto import MosquittoServer
from tests.support.platform import SLOT_MS, Grid, free_chain_port, free_port, running_grid, settings_in
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.mosquitto, pytest.mark.postgres, pytest.mark.prometheus, pytest.mark.timeout(175)]
ALERTS = Path(__file__).resolve().parents[3] / "deploy" / "alerts" / "gridtokenx.rules.yml"
BRIDGE = ("oracle-bridge", "the bridge's password")
SEEN_WITHIN_S = 40.0
TOKEN = "the operator's token"


def expression_of(alert: str) -> str:
    document = yaml.safe_load(ALERTS.read_text())
    return next(rule["expr"] for group in document["groups"] for rule in group["rules"] if rule["alert"] == alert)


class Prometheus:
    """A real server that scrapes one platform five times a second."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def finds(self, alert: str) -> list[dict[str, Any]]:
        """The series for which the alert's expression is true now."""
        try:
            answer = await self._http.get("/api/v1/query", params={"query": expression_of(alert)})
        except httpx.TransportError:
            return []  # it is starting
        return answer.json()["data"]["result"] if answer.is_success else []


@asynccontextmanager
async def prometheus_on(folder: Path, platform_url: str) -> AsyncGenerator[Prometheus]:
    program = shutil.which("prometheus")
    assert program is not None, "Prometheus is not installed"
    config, port = folder / "prometheus.yml", free_port()
    scrape = {
        "job_name": "gridtokenx",
        "authorization": {"credentials": TOKEN},
        "static_configs": [{"targets": [platform_url.removeprefix("http://")]}],
    }
    intervals = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
    config.write_text(yaml.safe_dump({"global": intervals, "scrape_configs": [scrape]}))
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            yield Prometheus(http)
    finally:
        process.kill()
        await process.wait()


class Parts:
    """Mosquitto, PostgreSQL and a node, each of which can be ended and brought back where it was."""

    def __init__(self, broker: MosquittoServer, database: PostgresServer, settings: Settings) -> None:
        self._broker = broker
        self._database = database
        self._settings = settings
        self._chain: Localnet | None = None

    async def end(self, part: str) -> None:
        match part:
            case "broker":
                await self._broker.stop()
            case "database":
                await asyncio.to_thread(self._database.stop, "immediate")
            case _:
                await self.end_chain()

    async def bring_back(self, part: str) -> None:
        match part:
            case "broker":
                await self._broker.start()
            case "database":
                await asyncio.to_thread(self._database.start)
            case _:
                await self.start_chain()

    async def start_chain(self) -> str:
        settings = self._settings
        keys = KeyFolder(path=settings.keys_dir)
        self._chain = embedded_chain(settings.data_dir / "chain", settings.chain, keys, SystemClock())
        await self._chain.__aenter__()
        return self._chain.rpc_url

    async def end_chain(self) -> None:
        if self._chain is not None:
            await self._chain.__aexit__(None, None, None)
            self._chain = None


@asynccontextmanager
async def platform_on_real_parts(folder: Path) -> AsyncGenerator[tuple[Grid, Parts]]:
    """A platform of which nothing is embedded."""
    chain = {"embedded_port": free_chain_port(), "slot_ms": SLOT_MS}
    with PostgresServer() as database:
        url = {"url": database.new_database()}
        at_first = settings_in(folder, chain=chain, database=url)
        async with running_grid(folder, at_first):
            pass  # the programs are set up, and the tables made
        broker = MosquittoServer(folder / "mosquitto", fleet="home", bridge=BRIDGE, devices={})
        parts = Parts(broker, database, at_first)
        async with broker:
            rpc_url = await parts.start_chain()
            settings = settings_in(
                folder,
                mqtt={"url": broker.url, "username": BRIDGE[0], "password": BRIDGE[1]},
                chain={"rpc_url": rpc_url},
                database=url,
                api={"port": 0, "operator_token": TOKEN},
            )
            try:
                async with running_grid(folder, settings) as grid:
                    yield grid, parts
            finally:
                await parts.end_chain()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SEEN_WITHIN_S):
        while not await holds():  # noqa: ASYNC110  # another process tells, by HTTP
            await asyncio.sleep(0.1)


async def test_ready_and_the_alerts_tell_which_real_part_is_away_and_when_it_is_back(tmp_path: Path):
    async with (
        platform_on_real_parts(tmp_path) as (grid, parts),
        prometheus_on(tmp_path, grid.platform.endpoints.api_url) as prometheus,
    ):
        await until(lambda: is_ready(grid))
        await engines_and_kinds_are_told(grid)
        for part, alert in (("broker", "BrokerAway"), ("database", "DatabaseAway"), ("chain", "ChainAway")):
            assert await prometheus.finds(alert) == []

            await parts.end(part)
            await until(lambda part=part: is_told_away(grid, part))
            await until(lambda alert=alert: is_true(prometheus, alert))

            await parts.bring_back(part)
            await until(lambda: is_ready(grid))
            await until(lambda alert=alert: is_false(prometheus, alert))


async def engines_and_kinds_are_told(grid: Grid) -> None:
    await until(lambda: knows_the_broker(grid))
    parts = (await grid.http.get("/ready")).json()["parts"]
    assert {parts[name]["kind"] for name in ("broker", "database", "chain")} == {"real"}
    assert parts["broker"]["engine"].startswith("mosquitto version ")
    assert parts["database"]["engine"].startswith("postgresql ")
    assert parts["chain"]["engine"].startswith("solana-core ")
    told = str(parts)
    assert BRIDGE[1] not in told
    assert grid.platform.settings.database_url not in told


async def knows_the_broker(grid: Grid) -> bool:
    return "mosquitto" in (await grid.http.get("/ready")).json()["parts"]["broker"]["engine"]


async def is_ready(grid: Grid) -> bool:
    return (await grid.http.get("/ready")).status_code == 200


async def is_told_away(grid: Grid, part: str) -> bool:
    """Not ready for that part, and alive."""
    response = await grid.http.get("/ready")
    assert (await grid.http.get("/health")).status_code == 200
    return response.status_code == 503 and not response.json()["parts"][part]["ok"]


async def is_true(prometheus: Prometheus, alert: str) -> bool:
    return bool(await prometheus.finds(alert))


async def is_false(prometheus: Prometheus, alert: str) -> bool:
    return not await prometheus.finds(alert)
