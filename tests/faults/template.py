"""A small town, enrolled once: every round begins with a copy of it."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.domain.identity import MeterId
from core.runtime.clock import SystemClock
from core.runtime.settings import Settings
from deploy.demo.village import Village, draw_village
from deploy.platform import Platform
from firmware_sim.fleet import MeterSpec, draw_specs
from programs.client.bootstrap import ensure_balance
from tests.support.platform import CADENCE_S, SOL, enrolment_on, settings_in

TICKS: Final = 16
"""Statements of each meter: four hours of quarters."""
ENDED_AGO_S: Final = 7_200
"""The four hours ended this long ago: clocks that are off by minutes make nothing too new."""
MQTT_METERS: Final = 6
"""The sixth speaks intervals."""
HTTP_METERS: Final = 2
SLOT_MS: Final = 25
"""A blockhash of this chain lives for four seconds."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """What every round copies, and what its meters know."""

    folder: Path
    specs: Sequence[MeterSpec]
    start: int
    """Unix seconds of the bindings."""
    network: bytes
    passwords: Mapping[str, Mapping[MeterId, str]]
    """By kind of database, then by meter."""
    postgres_database: str | None

    @property
    def mqtt_specs(self) -> Sequence[MeterSpec]:
        return self.specs[:MQTT_METERS]

    @property
    def http_specs(self) -> Sequence[MeterSpec]:
        return self.specs[MQTT_METERS:]

    def copy_into(self, folder: Path) -> None:
        """Chain, keys and SQLite database of the town."""
        for name in ("chain", "keys"):
            shutil.copytree(self.folder / name, folder / name, dirs_exist_ok=True)
        (folder / "database").mkdir(exist_ok=True)
        shutil.copy(self.folder / "platform.db", folder / "database" / "platform.db")


async def make_template(folder: Path, *, seed: int, postgres_url: str | None) -> Template:
    """Start a platform, let the meters in, and stop it."""
    start = SystemClock().now() // CADENCE_S * CADENCE_S - ENDED_AGO_S - TICKS * CADENCE_S
    specs = [
        *draw_specs(MQTT_METERS, seed=seed, base_measured_at=start),
        *draw_specs(HTTP_METERS, seed=seed + 1_000_000, base_measured_at=start, prefix="WEB"),
    ]
    settings = settings_in(folder, chain={"embedded_port": 0, "slot_ms": SLOT_MS})
    passwords: dict[str, Mapping[MeterId, str]] = {}
    async with Platform(settings) as platform:
        network = platform.network
        village = draw_village(specs, network=network, seed=seed)
        for owner in village.owners.values():
            await ensure_balance(platform.chain, owner.pubkey, SOL)
        passwords["sqlite"] = await _enrol(platform, village)
        await platform.bridge.meters_joined()
    if postgres_url is not None:
        passwords["postgresql"] = await _enrol_again(settings, postgres_url, village)
    return Template(
        folder=folder,
        specs=specs,
        start=start,
        network=network,
        passwords=passwords,
        postgres_database=None if postgres_url is None else postgres_url.rpartition("/")[2],
    )


async def _enrol_again(settings: Settings, url: str, village: Village) -> Mapping[MeterId, str]:
    """The same chain, another database."""
    again = settings.model_copy(update={"database": settings.database.model_copy(update={"url": url})})
    async with Platform(again) as platform:
        passwords = await _enrol(platform, village)
        await platform.bridge.meters_joined()
        return passwords


async def _enrol(platform: Platform, village: Village) -> Mapping[MeterId, str]:
    passwords: dict[MeterId, str] = {}
    for meter in village.meters:
        done = await enrolment_on(platform).enrol(meter, village.owners)
        assert done.credential is not None, done.problem
        passwords[meter.meter_id] = done.credential.password
    return passwords
