"""PostgreSQL as a part: one server for all rounds, a database for each."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.postgres import PostgresServer

RESTARTS_WITHIN_S: Final = 20.0


class PostgresPart:
    """A server that is started already; `kill` ends its postmaster and every backend at once."""

    def __init__(self, server: PostgresServer) -> None:
        self.name = "database"
        self.port = server.port
        self._server = server

    @property
    def is_alive(self) -> bool:
        pid = self._postmaster()
        return pid is not None and Path(f"/proc/{pid}").exists()

    async def start(self) -> None:
        async with asyncio.timeout(RESTARTS_WITHIN_S):
            while True:
                try:
                    await asyncio.to_thread(self._server.start)
                except subprocess.CalledProcessError:  # the old backends hold the shared memory for a moment
                    await asyncio.sleep(0.2)
                else:
                    return

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def kill(self) -> None:
        """Everybody at once; who is named twice is dead already."""
        self._signal(signal.SIGKILL)
        async with asyncio.timeout(RESTARTS_WITHIN_S):
            while self.is_alive:  # noqa: ASYNC110  # somebody else's process sets no event
                await asyncio.sleep(0.02)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def copy_database(self, template: str, name: str) -> str:
        """Create a database from another that nobody is connected to; its URL."""
        engine = create_async_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        finally:
            await engine.dispose()
        return self._url(name)

    async def drop_database(self, name: str) -> None:
        engine = create_async_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        finally:
            await engine.dispose()

    def _url(self, name: str) -> str:
        return f"postgresql+asyncpg://gridtokenx@127.0.0.1:{self.port}/{name}"

    def _postmaster(self) -> int | None:
        try:
            return int((self._server.data / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _signal(self, number: signal.Signals) -> None:
        pid = self._postmaster()
        if pid is None:
            return
        for one in (pid, *_children(pid)):
            try:
                os.kill(one, number)
            except ProcessLookupError:
                continue


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
        except OSError:  # it ended while we looked
            continue
    return found
