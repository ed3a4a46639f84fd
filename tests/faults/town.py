"""The town's meters through one round, over MQTT and over HTTP, on bad lines."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from core.domain.identity import MeterId, parse_fleet
from core.runtime.clock import SystemClock
from firmware_sim.faults import FaultPlan
from firmware_sim.fleet import Fleet
from firmware_sim.http import HttpSender, HttpTransport
from firmware_sim.mqtt import MqttTransport, parse_broker_url
from firmware_sim.weather import Weather
from tests.faults.template import TICKS, Template
from tests.support.platform import CADENCE_S

FLEET: Final = parse_fleet("home")
BAD_LINES: Final = FaultPlan(loss=40, repeat=60, reorder=60, tamper=15)
TICK_PAUSE_S: Final = 0.1


@dataclass
class Town:
    """Two fleets and their time."""

    by_mqtt: Fleet
    by_http: Fleet
    start: int
    ticks_done: int = 0

    async def connect(self) -> None:
        await self.by_mqtt.connect()
        await self.by_http.connect()

    async def live(self, ticks: int) -> None:
        """Live on for some quarters of an hour."""
        for _ in range(min(ticks, TICKS - self.ticks_done)):
            at = self.start + CADENCE_S * self.ticks_done
            async with asyncio.TaskGroup() as fleets:
                for fleet in (self.by_mqtt, self.by_http):
                    fleets.create_task(fleet.live(at, at + CADENCE_S), name="a fleet lives")
            self.ticks_done += 1
            await asyncio.sleep(TICK_PAUSE_S)

    async def drain(self, within_s: float) -> list[MeterId]:
        """Send until everything has its receipt; returns the meters that still wait."""
        waiting = await asyncio.gather(self.by_mqtt.drain(within_s), self.by_http.drain(within_s))
        return [meter_id for fleet in waiting for meter_id in fleet]

    @property
    def truth(self) -> Mapping[str, tuple[int, int]]:
        """What really flowed since the bindings, Wh."""
        meters = {**self.by_mqtt.truth().meters, **self.by_http.truth().meters}
        return {str(name): (one.generation_wh, one.consumption_wh) for name, one in meters.items()}

    @property
    def stated(self) -> Mapping[str, int]:
        """How many statements each meter signed."""
        counters = {**self.by_mqtt.truth().counters, **self.by_http.truth().counters}
        return {str(name): one.stated for name, one in counters.items()}


@asynccontextmanager
async def town_of(
    template: Template, *, seed: int, passwords: Mapping[MeterId, str], broker_port: int, api_port: int
) -> AsyncGenerator[Town]:
    """The meters, off line."""
    weather = Weather(seed=seed)
    address = parse_broker_url(f"mqtt://127.0.0.1:{broker_port}")
    async with (
        MqttTransport(address, fleet=FLEET, passwords=passwords) as mqtt,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{api_port}", timeout=3.0, trust_env=False) as http,
    ):
        web = HttpTransport(HttpSender(http, alert=lambda _: None), wallets={})
        by_mqtt, by_http = (
            Fleet(
                specs,
                network=template.network,
                transport=transport,
                clock=SystemClock(),
                weather=weather,
                faults=BAD_LINES,
                seed=seed,
                first_retry_s=0.5,
            )
            for specs, transport in ((template.mqtt_specs, mqtt), (template.http_specs, web))
        )
        yield Town(by_mqtt, by_http, template.start)
        await by_mqtt.close()
        await by_http.close()
