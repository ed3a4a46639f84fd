"""Two bridges and two APIs, each a process of its own, on one PostgreSQL, one Mosquitto and one chain.

Mosquitto deals the messages of a shared subscription round robin, so a meter's readings reach both bridges in any order. One
bridge is killed in the middle: its leases run out, and the other settles what it left.
"""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import httpx
import pytest

from core.domain.identity import parse_fleet, parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.runtime.clock import SystemClock
from core.runtime.settings import Settings
from core.store import Store, duties, readings
from deploy.chain import embedded_chain
from deploy.keys import KeyFolder
from deploy.platform import Part, Platform
from devices.topics import Channel, meter_topic
from firmware_sim.mqtt import parse_broker_url
from oracle_bridge import audit
from programs.client.rpc import ChainClient
from tests.support.mosquitto import MosquittoServer
from tests.support.platform import READING_PATH, SLOT_MS, EnrolledMeter, enrol, free_chain_port, free_port, settings_in
from tests.support.postgres import PostgresServer
from tests.support.up import GRIDTOKENX, environment

pytestmark = [pytest.mark.mosquitto, pytest.mark.postgres]
BRIDGES = ("bridge-1", "bridge-2")
PASSWORD = "the bridges' password"  # of a broker that lives for this test
LEASE_S = 6
READINGS = 20
STEP_WH = 100
WITHIN_S = 240.0
DEALT = random.Random(1)


@dataclass(frozen=True, kw_only=True)
class Town:
    """What all processes share, and its meters."""

    folder: Path
    settings: Settings
    broker: MosquittoServer
    store: Store
    chain: ChainClient
    meters: list[EnrolledMeter]

    def variables(self, name: str, port: int) -> dict[str, str]:
        """The environment of one process."""
        return {
            **environment(self.settings),
            "GRIDTOKENX_MQTT__URL": self.broker.url,
            "GRIDTOKENX_MQTT__USERNAME": name,
            "GRIDTOKENX_MQTT__PASSWORD": PASSWORD,
            "GRIDTOKENX_MQTT__SHARED_GROUP": "bridges",
            "GRIDTOKENX_DATABASE__URL": str(self.settings.database.url),
            "GRIDTOKENX_SETTLEMENT__LEASE_S": str(LEASE_S),
            "GRIDTOKENX_API__PORT": str(port),
            "GRIDTOKENX_API__OPERATOR_TOKEN": "operator",
        }

    @asynccontextmanager
    async def process(self, only: Part, name: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
        """`gridtokenx up --only …`, ready, with a client of its HTTP face; killed at the end."""
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *GRIDTOKENX, "up", "--only", only, cwd=self.folder, env=self.variables(name, port), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
                await _ready(http, process)
                yield process, http
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.fixture
async def town(tmp_path: Path, postgres_server: PostgresServer) -> AsyncGenerator[Town]:
    """Chain, broker and database, with three register meters and two interval meters let in."""
    chain = {"embedded_port": free_chain_port(), "slot_ms": SLOT_MS}
    settings = settings_in(tmp_path, chain=chain, database={"url": postgres_server.new_database()})
    async with Platform(settings) as platform:
        kinds = [StatementKind.REGISTER] * 3 + [StatementKind.INTERVAL] * 2
        meters = [await enrol(platform, f"T-{number}", kind=kind) for number, kind in enumerate(kinds)]
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(
            embedded_chain(tmp_path / "chain", settings.chain, KeyFolder(path=settings.keys_dir), SystemClock())
        )
        broker = await stack.enter_async_context(
            MosquittoServer(
                tmp_path / "mosquitto",
                fleet="home",
                bridge=(BRIDGES[0], PASSWORD),
                more_bridges=((BRIDGES[1], PASSWORD),),
                devices={meter.meter_id: meter.password for meter in meters},
            )
        )
        store = Store(str(settings.database.url))
        stack.push_async_callback(store.close)
        client = await stack.enter_async_context(ChainClient(node.rpc_url))
        by_url = settings.model_copy(update={"chain": settings.chain.model_copy(update={"rpc_url": node.rpc_url})})
        yield Town(folder=tmp_path, settings=by_url, broker=broker, store=store, chain=client, meters=meters)


async def test_two_bridges_settle_each_watt_hour_once_though_one_is_killed_in_the_middle(town: Town):
    said = {meter.meter_id: _statements(meter) for meter in town.meters}
    async with AsyncExitStack() as stack:
        killed, _ = await stack.enter_async_context(town.process("bridge", BRIDGES[0]))
        _, http = await stack.enter_async_context(town.process("bridge", BRIDGES[1]))
        await _speak_until_both_settle(town, said)
        killed.send_signal(signal.SIGKILL)
        async with asyncio.TaskGroup() as group:
            for meter in town.meters:
                group.create_task(_publish_until_stored(town, meter, said[meter.meter_id]))

        report = await _audited(town)

        async with asyncio.timeout(WITHIN_S):
            while not (await http.get("/ready")).json()["parts"]["indexer"]["ok"]:  # noqa: ASYNC110  # it took the duty over
                await asyncio.sleep(0.2)
    truth = 5 * READINGS * STEP_WH
    assert (report.failures, report.terms["attested_generation"], report.terms["minted"]) == ([], truth, truth)
    assert report.terms["supply_base_units"] == truth * 1_000_000
    async with town.store.read() as session:
        for name in (duties.INDEXER, duties.AUDIT, duties.LEFTOVERS):
            assert await duties.holder(session, name, now_ms=SystemClock().now_ms()) in {None, BRIDGES[1]}


async def test_two_apis_given_the_same_reading_at_once_store_it_once(town: Town):
    async with town.process("api", "api-1") as (_, one), town.process("api", "api-2") as (_, other):
        answers: list[Sequence[str]] = []
        for meter in town.meters:
            statement = _statements(meter)[0]
            envelope = meter.envelope(statement)
            headers = {"content-type": "application/json"}
            both = await asyncio.gather(*(http.post(READING_PATH, content=envelope, headers=headers) for http in (one, other)))
            answers.append(sorted(answer.json()["verdict"] for answer in both))
        parts = (await one.get("/ready")).json()["parts"]

    assert answers == [["accepted", "repeated"]] * len(town.meters)
    assert {"database", "chain"} <= parts.keys()
    assert "broker" not in parts
    assert await _count(town, "SELECT count(*) FROM meter_readings") == len(town.meters)


def _statements(meter: EnrolledMeter) -> list[Statement]:
    """Production of 100 Wh a quarter of an hour: as registers, or as intervals."""
    is_register = meter.kind is StatementKind.REGISTER
    return [meter.states(STEP_WH * number if is_register else STEP_WH, sequence=number) for number in range(1, READINGS + 1)]


async def _publish(town: Town, meter: EnrolledMeter, statements: Sequence[Statement]) -> None:
    """Out of order, and each twice."""
    address = parse_broker_url(town.broker.url)
    shuffled = [*statements, *statements]
    DEALT.shuffle(shuffled)
    topic = meter_topic(parse_fleet(town.settings.fleet), parse_meter_id(meter.meter_id), Channel.READING)
    async with aiomqtt.Client(
        address.host, address.port, username=meter.meter_id, password=meter.password, identifier=meter.meter_id, timeout=20
    ) as client:
        for statement in shuffled:
            await client.publish(topic, meter.binary(statement), qos=1)


async def _publish_until_stored(town: Town, meter: EnrolledMeter, statements: Sequence[Statement]) -> None:
    """As a journal does: what no receipt confirmed is said again; what was dealt to the dead bridge waits in its session."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with town.store.read() as session:
                stored = {one.sequence for one in await readings.around(session, meter.meter_id, 1, READINGS)}
            missing = [statement for statement in statements if statement.sequence not in stored]
            if not missing:
                return
            await _publish(town, meter, missing)
            await asyncio.sleep(1.0)


async def _speak_until_both_settle(town: Town, said: Mapping[str, Sequence[Statement]]) -> None:
    """One statement of each meter after the other, until each bridge has settled something."""
    for number in range(READINGS):
        for meter in town.meters:
            await _publish(town, meter, said[meter.meter_id][number : number + 1])
        await asyncio.sleep(0.5)
        if await _count(town, "SELECT count(DISTINCT owner) FROM outbox") == len(BRIDGES):
            return
    pytest.fail("one bridge settled everything")


async def _audited(town: Town) -> audit.AuditReport:
    """Wait until everything is minted, then compare the books."""
    waiting = "SELECT count(*) FROM meter_readings WHERE NOT minted"
    still_open = "SELECT count(*) FROM outbox WHERE ended_at_ms IS NULL"
    async with asyncio.timeout(WITHIN_S):
        while await _count(town, waiting) or await _count(town, still_open):  # noqa: ASYNC110  # rows tell, no event does
            await asyncio.sleep(0.2)
    truth = {meter.meter_id: (READINGS * STEP_WH, 0) for meter in town.meters}
    return await audit.run(town.store, town.chain, truth)


async def _count(town: Town, question: str) -> int:
    async with town.store.read() as session:
        return int((await (await session.connection()).exec_driver_sql(question)).scalar_one())


async def _ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            assert process.returncode is None, "gridtokenx up ended"
            try:
                if (await http.get("/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
