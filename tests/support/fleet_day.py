"""A fleet that lives through some hours while the platform under it comes and goes, and must add up at the end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.domain.identity import parse_fleet
from core.runtime.clock import SystemClock
from core.runtime.settings import Settings
from deploy.demo.village import draw_village
from deploy.platform import Platform
from firmware_sim.faults import FaultPlan
from firmware_sim.fleet import Fleet, draw_specs
from firmware_sim.mqtt import MqttTransport, parse_broker_url
from firmware_sim.weather import Weather
from oracle_bridge.audit import AuditReport
from programs.client.bootstrap import ensure_balance
from tests.support.platform import CADENCE_S, SLOT_MS, SOL, at_rest, enrolment_on, free_chain_port, free_port, settings_in

METERS: Final = 6
TICKS: Final = 32
"""Eight hours of quarters."""
DRAIN_S: Final = 45.0
BAD_LINES: Final = FaultPlan(loss=60, repeat=80, reorder=60, tamper=20)


def returning_settings(folder: Path) -> Settings:
    """Settings with fixed ports: who comes back is found where it was."""
    return settings_in(
        folder,
        mqtt={"embedded_port": free_port()},
        chain={"embedded_port": free_chain_port(), "slot_ms": SLOT_MS},
        api={"port": free_port()},
    )


@dataclass
class FleetDay:
    """A fleet and its time."""

    fleet: Fleet
    start: int
    ticks_done: int = 0

    async def live(self, ticks: int, *, pause_s: float = 0.05) -> None:
        """Live on for some quarters of an hour."""
        for _ in range(ticks):
            at = self.start + CADENCE_S * self.ticks_done
            await self.fleet.live(at, at + CADENCE_S)
            self.ticks_done += 1
            await asyncio.sleep(pause_s)

    @property
    def truth(self) -> dict[str, tuple[int, int]]:
        """What really flowed, Wh."""
        return {str(name): (one.generation_wh, one.consumption_wh) for name, one in self.fleet.truth().meters.items()}

    async def finish(self) -> None:
        """Live to the end, and send until everything has a receipt."""
        await self.live(TICKS - self.ticks_done, pause_s=0)
        assert await self.fleet.drain(DRAIN_S) == []

    async def audit(self, platform: Platform) -> AuditReport:
        """Wait for the last settlement; everything must add up to the Wh, and nothing may be missing."""
        await at_rest(platform, within_s=DRAIN_S)
        await platform.bridge.sweep()
        await at_rest(platform, within_s=DRAIN_S)
        report = await platform.bridge.audit(self.truth)
        assert report.ok, report.failures
        terms = report.terms
        assert terms["truth_generation"] == terms["attested_generation"] > 0
        assert terms["truth_consumption"] == terms["attested_consumption"] > 0
        assert terms["attested_net"] == terms["minted"] - terms["burned"] - terms["owed"] + terms["unsettled"]
        assert terms["supply_base_units"] == terms["minted_base_units"] - terms["burned_base_units"] > 0
        return report


@asynccontextmanager
async def fleet_day(settings: Settings, *, seed: int) -> AsyncGenerator[FleetDay]:
    """Start a platform once to enrol a fleet, stop it, and hand the fleet over, off line.

    Args:
        settings: with fixed ports.
        seed: decides meters, weather and faults.
    """
    clock = SystemClock()
    start = clock.now() // CADENCE_S * CADENCE_S - TICKS * CADENCE_S
    specs = draw_specs(METERS, seed=seed, base_measured_at=start)
    passwords: dict[str, str] = {}
    async with Platform(settings) as platform:
        network = platform.network
        village = draw_village(specs, network=network, seed=seed)
        for owner in village.owners.values():
            await ensure_balance(platform.chain, owner.pubkey, SOL)
        for meter in village.meters:
            done = await enrolment_on(platform).enrol(meter, village.owners)
            assert done.credential is not None, done.problem
            passwords[meter.meter_id] = done.credential.password
    address = parse_broker_url(f"mqtt://127.0.0.1:{settings.mqtt.embedded_port}")
    known = {spec.meter_id: passwords[spec.meter_id] for spec in specs}
    async with MqttTransport(address, fleet=parse_fleet(settings.fleet), passwords=known) as transport:
        fleet = Fleet(
            specs,
            network=network,
            transport=transport,
            clock=clock,
            weather=Weather(seed=seed),
            faults=BAD_LINES,
            seed=seed,
            first_retry_s=0.5,
        )
        yield FleetDay(fleet, start)
        await fleet.close()
