"""Brokers that tests run on: the embedded one and Mosquitto, with the same users."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiomqtt

from broker.access import Bridge, Device, Identity
from broker.embedded import EmbeddedBroker
from broker.hardened import BrokerLimits
from core.domain.identity import parse_fleet, parse_meter_id
from tests.support.mosquitto import MosquittoServer

FLEET: Final = parse_fleet("home")
BRIDGE: Final = ("oracle-bridge", "the-bridge-password")
DEVICES: Final = {name: f"password-of-{name}" for name in ("MTR-1", "MTR-2", "reading", "oracle.bridge")}


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A broker and how to connect to it."""

    kind: str
    port: int

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def device(
        self,
        meter_id: str,
        *,
        password: str | None = None,
        client_id: str | None = None,
        clean: bool = True,
        will: aiomqtt.Will | None = None,
    ) -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1",
            self.port,
            username=meter_id,
            password=DEVICES.get(meter_id, "") if password is None else password,
            identifier=meter_id if client_id is None else client_id,
            clean_session=clean,
            will=will,
            timeout=5,
        )

    def bridge(self, *, client_id: str = BRIDGE[0], clean: bool = True) -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1",
            self.port,
            username=BRIDGE[0],
            password=BRIDGE[1],
            identifier=client_id,
            clean_session=clean,
            timeout=5,
        )


async def authenticate(username: str, password: str, client_id: str) -> Identity | None:
    """The users above; the broker checks the client id itself."""
    del client_id
    if (username, password) == BRIDGE:
        return Bridge(username)
    if DEVICES.get(username) == password:
        return Device(FLEET, parse_meter_id(username))
    return None


@asynccontextmanager
async def embedded_broker(limits: BrokerLimits | None = None) -> AsyncGenerator[tuple[RunningBroker, EmbeddedBroker]]:
    """The embedded broker on a free port."""
    async with EmbeddedBroker(authenticate, port=0, limits=limits) as broker:
        yield RunningBroker("embedded", broker.port), broker


@asynccontextmanager
async def running_broker(kind: str, directory: Path) -> AsyncGenerator[RunningBroker]:
    """A broker of either kind."""
    if kind == "embedded":
        async with embedded_broker() as (broker, _):
            yield broker
    else:
        async with MosquittoServer(directory, fleet=FLEET, bridge=BRIDGE, devices=DEVICES) as server:
            yield RunningBroker("mosquitto", server.port)
