"""A real Mosquitto in a temporary directory, on loopback, configured by `broker.mosquitto`."""

import asyncio
import os
import pwd
import shutil
import socket
from asyncio.subprocess import DEVNULL, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from broker.mosquitto import Login, MosquittoPlan, write
from broker.passwords import hash_password
from core.domain.identity import parse_fleet


def executable() -> str | None:
    """Where Mosquitto is installed."""
    return shutil.which("mosquitto", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a server proves its name with."""

    certificate: Path
    key: Path


class MosquittoServer:
    """One broker process; `kill` and `start` again keep its sessions."""

    def __init__(
        self,
        directory: Path,
        *,
        fleet: str,
        bridge: tuple[str, str],
        devices: dict[str, str],
        tls: ServerTls | None = None,
        more_bridges: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.port = _free_port()
        self._process: Process | None = None
        self._scheme = "mqtt" if tls is None else "mqtts"
        self._config = write(
            MosquittoPlan(
                directory=directory,
                host="127.0.0.1",
                port=self.port,
                fleets=(parse_fleet(fleet),),
                bridge=_login(*bridge),
                more_bridges=tuple(_login(*one) for one in more_bridges),
                devices=tuple(_login(*device) for device in devices.items()),
                certificate=None if tls is None else tls.certificate,
                key=None if tls is None else tls.key,
                user=pwd.getpwuid(os.geteuid()).pw_name,
            )
        )

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "Mosquitto was not started"
        return self._process.pid

    async def start(self) -> None:
        program = executable()
        assert program is not None, "Mosquitto is not installed"
        self._process = await asyncio.create_subprocess_exec(program, "-c", str(self._config), stdout=DEVNULL, stderr=DEVNULL)
        async with asyncio.timeout(5):
            while not await self._answers():
                assert self._process.returncode is None, "Mosquitto did not start"
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop in order: sessions are saved."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


def _login(username: str, password: str) -> Login:
    return Login(username, hash_password(password, username.encode().ljust(12, b"-")[:12]))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
