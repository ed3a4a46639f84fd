"""Each embedded part is replaced by a URL (R9.1): one reading, one token, on Mosquitto, PostgreSQL and a chain elsewhere."""

from pathlib import Path

import pytest

from core.runtime.clock import SystemClock
from core.runtime.settings import Settings
from deploy.chain import embedded_chain
from deploy.keys import KeyFolder
from tests.support.mosquitto import MosquittoServer
from tests.support.platform import SLOT_MS, EnrolledMeter, Grid, enrol, free_chain_port, running_grid, settings_in
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.mosquitto, pytest.mark.postgres]
BRIDGE = ("oracle-bridge", "the bridge's password")


async def test_the_same_reading_mints_the_same_token_on_mosquitto_postgresql_and_a_chain_by_url(
    tmp_path: Path, postgres_server: PostgresServer
):
    chain = {"embedded_port": free_chain_port(), "slot_ms": SLOT_MS}
    database = {"url": postgres_server.new_database()}
    at_first = settings_in(tmp_path, chain=chain, database=database)
    async with running_grid(tmp_path, at_first) as grid:
        meter = await enrol(grid.platform, "REAL-1")
        assert grid.platform.endpoints.database == "postgresql"

    keys = KeyFolder(path=at_first.keys_dir)
    devices = {meter.meter_id: meter.password}
    async with (
        MosquittoServer(tmp_path / "mosquitto", fleet="home", bridge=BRIDGE, devices=devices) as broker,
        embedded_chain(tmp_path / "chain", at_first.chain, keys, SystemClock()) as node,
        running_grid(tmp_path, by_url(tmp_path, broker.url, node.rpc_url, database)) as grid,
    ):
        assert grid.platform.endpoints.mqtt_url == broker.url
        await both_doors(grid, meter)


async def both_doors(grid: Grid, meter: EnrolledMeter) -> None:
    """One reading by each door, and what came of them."""
    assert (await grid.door("mqtt").send(meter, meter.states(10_500))).said == "accepted"
    assert (await grid.door("http").send(meter, meter.states(14_000))).said == "accepted"
    await grid.minted(meter, 2)
    assert await grid.tokens(meter.owner.pubkey()) == 14_000_000_000
    assert (await grid.http.get("/ready")).status_code == 200
    await grid.at_rest()


def by_url(folder: Path, broker: str, node: str, database: dict[str, str]) -> Settings:
    return settings_in(
        folder,
        mqtt={"url": broker, "username": BRIDGE[0], "password": BRIDGE[1]},
        chain={"rpc_url": node},
        database=database,
    )
