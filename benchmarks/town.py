"""A town of simulated meters on the real platform, each part a process of its own: what the long benchmarks run on.

The meters are enrolled first, on an embedded chain with short slots; then everything starts anew from the same folder: chain,
Mosquitto (the embedded broker where it is not installed), bridge and API, and the swarm of meters.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from benchmarks.large_deployment import prepare
from benchmarks.processes import Part, start
from benchmarks.swarm_process import SPEC_FILE, Spec
from core.domain.identity import MeterId
from core.store import Store, work
from core.store import outbox as outbox_rows
from devices.acceptance.profiles import profile_named
from programs.client.rpc import ChainClient
from tests.support.mosquitto import MosquittoServer, executable
from tests.support.platform import free_chain_port, free_port

PROFILE: Final = "fast"
"""Statements of a minute: a day of meter time has enough of them for an hour of load."""
SLOT_MS: Final = 400
ENROL_AT_ONCE: Final = 64
OWNER_LAMPORTS: Final = 1_000_000_000
READY_WITHIN_S: Final = 180.0
REST_WITHIN_S: Final = 300.0
BRIDGE: Final = "oracle-bridge"


@dataclass(frozen=True, kw_only=True)
class TownPlan:
    """What is built."""

    folder: Path
    meters: int
    seed: int
    history_s: int
    """How long before now the meters were bound, so that so much meter time can be lived through."""
    database_url: str | None = None
    """None is SQLite in the folder."""
    connects: bool = True
    """Whether the meters are connected when the town is handed over."""


@dataclass(kw_only=True)
class Town:
    """A running town."""

    plan: TownPlan
    store: Store
    chain: ChainClient
    parts: dict[str, Part]
    api_url: str
    operator_token: str
    http: httpx.AsyncClient = field(repr=False)

    async def tell(self, **command: object) -> dict[str, object]:
        """Give the swarm a command, and return what it says."""
        swarm = self.parts["swarm"].process
        if swarm is None or swarm.stdin is None or swarm.stdout is None:
            raise RuntimeError("the swarm does not listen")
        swarm.stdin.write(json.dumps(command).encode() + b"\n")
        await swarm.stdin.drain()
        line = await swarm.stdout.readline()
        if not line:
            raise RuntimeError(f"the swarm ended: see {self.plan.folder / 'swarm.log'}")
        return json.loads(line)

    async def figures(self) -> dict[str, float]:
        """The platform's own figures by name and labels, as Prometheus sees them."""
        answer = await self.http.get("/metrics")
        answer.raise_for_status()
        lines = (line for line in answer.text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    async def backlog(self) -> int:
        """Meters with something due or in flight."""
        async with self.store.read() as session:
            states = await work.count_by_state(session)
            return states.get(work.DUE, 0) + states.get(work.LEASED, 0) + await outbox_rows.count_open(session)

    async def at_rest(self) -> None:
        """Wait until the bridge has nothing left to do.

        Raises:
            TimeoutError: it has, after five minutes.
        """
        async with asyncio.timeout(REST_WITHIN_S):
            while await self.backlog():  # noqa: ASYNC110  # rows tell, no event does
                await asyncio.sleep(0.2)

    def require_alive(self) -> None:
        """See that every part runs.

        Raises:
            RuntimeError: one ended.
        """
        for part in self.parts.values():
            if part.ended:
                raise RuntimeError(f"{part.name} ended: see {self.plan.folder / part.name}.log")


@asynccontextmanager
async def town(plan: TownPlan, tell: Callable[[str], None]) -> AsyncGenerator[Town]:
    """Build a town and run it; the meters are connected and silent."""
    profile = profile_named(PROFILE)
    tell(f"enrolling {plan.meters} meters")
    store = Store(plan.database_url or f"sqlite+aiosqlite:///{plan.folder / 'platform.db'}")
    made = await prepare(
        plan.folder, store, meters=plan.meters, seed=plan.seed, history_s=plan.history_s, cadence_s=profile.cadence_s
    )
    secret, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        parts: dict[str, Part] = {}
        chain_port, api_port = free_chain_port(), free_port()
        rpc_url = f"http://127.0.0.1:{chain_port}"
        env = _environment(plan, rpc_url=rpc_url, api_port=api_port, token=token)
        program = ["-c", "from deploy.cli import main; main()"]
        tell("starting the parts")
        parts["chain"] = await _run(stack, plan, "chain", [*program, "localnet", "--port", str(chain_port)], env)
        chain = await stack.enter_async_context(ChainClient(rpc_url))
        await _until_it_answers(f"{rpc_url}/health")
        mqtt_url = await _broker(stack, plan, parts, made.passwords, secret, env)
        parts["platform"] = await _run(stack, plan, "platform", [*program, "up"], env)
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{api_port}", headers={"authorization": f"Bearer {token}"}, timeout=30)
        )
        await _until_it_answers(f"http://127.0.0.1:{api_port}/ready")
        spec = Spec(
            meters=plan.meters,
            seed=plan.seed,
            base_at=made.base_at,
            cadence_s=profile.cadence_s,
            network=made.network.hex(),
            fleet="home",
            broker=mqtt_url,
            passwords=made.passwords,
        )
        spec.write(plan.folder / SPEC_FILE)
        parts["swarm"] = await _run(
            stack, plan, "swarm", ["-m", "benchmarks.swarm_process", str(plan.folder / SPEC_FILE)], env, talks=True
        )
        running = Town(
            plan=plan,
            store=store,
            chain=chain,
            parts=parts,
            api_url=f"http://127.0.0.1:{api_port}",
            operator_token=token,
            http=http,
        )
        if plan.connects:
            said = await running.tell(do="connect")
            tell(f"{said['connected']} meters connected in {said['took_s']} s")
        yield running


def _environment(plan: TownPlan, *, rpc_url: str, api_port: int, token: str) -> dict[str, str]:
    env = {
        "GRIDTOKENX_DATA_DIR": str(plan.folder),
        "GRIDTOKENX_LOG_LEVEL": "warning",
        "GRIDTOKENX_CHAIN__SLOT_MS": str(SLOT_MS),
        "GRIDTOKENX_CHAIN__RPC_URL": rpc_url,
        "GRIDTOKENX_API__PORT": str(api_port),
        "GRIDTOKENX_API__OPERATOR_TOKEN": token,
        "GRIDTOKENX_ACCEPTANCE__PROFILE": PROFILE,
    }
    return env | ({"GRIDTOKENX_DATABASE__URL": plan.database_url} if plan.database_url else {})


async def _run(
    stack: AsyncExitStack, plan: TownPlan, name: str, arguments: Sequence[str], env: Mapping[str, str], *, talks: bool = False
) -> Part:
    part = await start(name, arguments, env=env, log=plan.folder / f"{name}.log", talks=talks)
    stack.push_async_callback(part.stop)
    return part


async def _broker(
    stack: AsyncExitStack,
    plan: TownPlan,
    parts: dict[str, Part],
    passwords: Mapping[MeterId, str],
    secret: str,
    env: dict[str, str],
) -> str:
    """Start Mosquitto, or let the platform start its own; returns the URL."""
    if executable() is None:
        port = free_port()
        env["GRIDTOKENX_MQTT__EMBEDDED_PORT"] = str(port)
        return f"mqtt://127.0.0.1:{port}"
    devices = {str(meter_id): password for meter_id, password in passwords.items()}
    server = MosquittoServer(plan.folder / "mosquitto", fleet="home", bridge=(BRIDGE, secret), devices=devices)
    await stack.enter_async_context(server)
    parts["broker"] = Part("broker", server.pid)
    env |= {"GRIDTOKENX_MQTT__URL": server.url, "GRIDTOKENX_MQTT__USERNAME": BRIDGE, "GRIDTOKENX_MQTT__PASSWORD": secret}
    return server.url


async def _until_it_answers(url: str) -> None:
    async with asyncio.timeout(READY_WITHIN_S), httpx.AsyncClient(timeout=5) as http:
        while not await _answers(http, url):  # noqa: ASYNC110  # a process tells by answering
            await asyncio.sleep(0.1)


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False
