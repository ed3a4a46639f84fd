"""Mosquitto as a part, configured by the platform."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from broker.mosquitto import Login, MosquittoPlan, write
from broker.passwords import hash_password
from core.domain.identity import Fleet
from tests.support import mosquitto

BRIDGE_USER: Final = "oracle-bridge"
BRIDGE_PASSWORD: Final = "the bridge's password"


class MosquittoPart:
    """A real broker that keeps its sessions in `folder`."""

    def __init__(self, *, folder: Path, port: int, fleet: Fleet, devices: Mapping[str, str]) -> None:
        self.name = "broker"
        self._config = write(
            MosquittoPlan(
                directory=folder,
                host="127.0.0.1",
                port=port,
                fleets=(fleet,),
                bridge=_login(BRIDGE_USER, BRIDGE_PASSWORD),
                devices=tuple(_login(*device) for device in devices.items()),
            )
        )
        if os.geteuid() == 0:
            with self._config.open("a") as config:
                config.write("user root\n")  # as root Mosquitto would change to a user that cannot read the directory
        self._process: Process | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        program = mosquitto.executable()
        assert program is not None, "Mosquitto is not installed"
        self._process = await asyncio.create_subprocess_exec(program, "-c", str(self._config), stdout=DEVNULL, stderr=DEVNULL)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    def pause(self) -> None:
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGCONT)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_alive:
            self._process.send_signal(number)
            self.resume()
            await self._process.wait()


def _login(username: str, password: str) -> Login:
    return Login(username, hash_password(password, username.encode().ljust(12, b"-")[:12]))
