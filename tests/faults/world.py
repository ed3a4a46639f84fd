"""One round's parts, each a process of its own, with breakable lines between them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx

from core.runtime.settings import Settings
from tests.faults import children
from tests.faults.broken import Breakage
from tests.faults.broker_part import BRIDGE_PASSWORD, BRIDGE_USER, broker_part
from tests.faults.database_part import PostgresPart
from tests.faults.parts import ForkedPart, Part
from tests.faults.ports import fixed_port
from tests.faults.rpc_proxy import RpcProxy
from tests.faults.tcp_proxy import TcpProxy
from tests.faults.template import SLOT_MS, Template

READY_WITHIN_S: Final = 120.0
STATEMENT_TIMEOUT_MS: Final = 3_000
"""Instead of half a minute: a line to the database that was left hanging is given up after it."""
Database = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Between the bridge and the parts that it needs."""

    rpc: RpcProxy
    notices: TcpProxy
    broker: TcpProxy
    database: TcpProxy | None
    """SQLite is a file: there is no line to it."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What a round plays with."""

    bridge: ForkedPart
    api: ForkedPart
    chain: ForkedPart
    broker: Part
    database: PostgresPart | None
    lines: Lines
    database_url: str
    """Straight, for the harness."""
    chain_url: str
    broker_port: int
    api_port: int
    bridge_port: int
    folder: Path

    @property
    def parts(self) -> Mapping[str, Part]:
        """By name."""
        all_parts: list[Part | None] = [self.bridge, self.api, self.chain, self.broker, self.database]
        return {part.name: part for part in all_parts if part is not None}

    async def heal(self) -> None:
        """Every line is good, every clock right, every part runs."""
        lines = self.lines
        lines.rpc.heal()
        for line in (lines.notices, lines.broker, lines.database):
            if line is not None:
                await line.heal()
        for part in (self.bridge, self.api, self.chain):
            part.set_clock(0)
        await self.revive()

    async def revive(self) -> None:
        """What stands still goes on, and what has ended starts again, as a service manager sees to."""
        for part in (self.database, self.chain, self.broker, self.bridge, self.api):
            if part is not None:
                part.resume()
                if not part.is_alive:
                    await part.start()

    async def ready(self) -> None:
        """Wait until bridge and API say that all is well; what ends in the meantime, for want of another part, comes back.

        Raises:
            TimeoutError: one of them is not ready.
        """
        async with asyncio.timeout(READY_WITHIN_S):
            for port in (self.bridge_port, self.api_port):
                while not await is_ready(port):
                    await self.revive()
                    await asyncio.sleep(0.05)


async def is_ready(port: int) -> bool:
    """Whether what listens there says that it is ready."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5, trust_env=False) as http:
        try:
            return (await http.get("/ready")).is_success
        except httpx.TransportError:
            return False


@asynccontextmanager
async def world_of(
    template: Template, folder: Path, *, database: Database, server: PostgresPart | None, broken: Breakage | None = None
) -> AsyncGenerator[World]:
    """Copy the town and lay the lines; nothing runs yet. At the end everything is killed.

    Args:
        template: the town.
        folder: an empty one, for this round alone.
        database: of which kind.
        server: PostgreSQL, where it is needed.
        broken: what is wrong with the bridge, to see that a round notices.
    """
    template.copy_into(folder)
    async with AsyncExitStack() as stack:
        chain_port, broker_port = fixed_port(run=2), fixed_port()
        rpc = await stack.enter_async_context(RpcProxy(chain_port))
        notices = await stack.enter_async_context(TcpProxy(chain_port + 1))
        to_broker = await stack.enter_async_context(TcpProxy(broker_port))
        to_database: TcpProxy | None = None
        straight = through = f"sqlite+aiosqlite:///{folder / 'database' / 'platform.db'}"
        if database == "postgresql":
            assert server is not None
            assert template.postgres_database is not None
            straight = await server.copy_database(template.postgres_database, folder.name)
            stack.push_async_callback(server.drop_database, folder.name)
            to_database = await stack.enter_async_context(TcpProxy(server.port))
            through = straight.replace(f":{server.port}/", f":{to_database.port}/")
        ports = (fixed_port(), fixed_port())
        base: dict[str, object] = {
            "data_dir": folder,
            "log_level": "info",
            "mqtt": {
                "url": f"mqtt://127.0.0.1:{to_broker.port}",
                "username": BRIDGE_USER,
                "password": BRIDGE_PASSWORD,
                "embedded_port": broker_port,
            },
        }
        chain_settings = Settings.model_validate({**base, "chain": {"embedded_port": chain_port, "slot_ms": SLOT_MS}})
        urls = {"rpc_url": f"http://127.0.0.1:{rpc.port}", "ws_url": f"ws://127.0.0.1:{notices.port}"}
        bridge_settings, api_settings = (
            Settings.model_validate(
                {
                    **base,
                    "chain": urls,
                    "database": {"url": through, "statement_timeout_ms": STATEMENT_TIMEOUT_MS},
                    "api": {"port": port},
                }
            )
            for port in ports
        )
        world = World(
            bridge=ForkedPart("bridge", children.platform, bridge_settings, "bridge", broken, folder=folder),
            api=ForkedPart("api", children.platform, api_settings, "api", None, folder=folder),
            chain=ForkedPart("chain", children.localnet, chain_settings, folder=folder),
            broker=broker_part(folder, chain_settings, template.passwords[database], straight),
            database=server if database == "postgresql" else None,
            lines=Lines(rpc=rpc, notices=notices, broker=to_broker, database=to_database),
            database_url=straight,
            chain_url=f"http://127.0.0.1:{chain_port}",
            broker_port=broker_port,
            api_port=ports[1],
            bridge_port=ports[0],
            folder=folder,
        )
        stack.push_async_callback(_end, world)
        yield world


async def _end(world: World) -> None:
    """Nothing of the round stays; the server of PostgreSQL is there for the next one."""
    for part in (world.bridge, world.api, world.broker, world.chain):
        part.resume()
        await part.kill()
    if world.database is not None:
        world.database.resume()
        if not world.database.is_alive:
            await world.database.start()
