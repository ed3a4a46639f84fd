"""One simulated day on the real platform: provision, live, drain, settle, audit."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from core.domain.errors import Conflict, Unavailable
from core.domain.identity import MeterId
from core.runtime.logging import get_logger
from deploy.demo.options import DemoOptions
from deploy.demo.village import Village, draw_village
from deploy.enrolment import Enrolled, Enrolment
from deploy.platform import Platform
from devices.acceptance.profiles import profile_named
from firmware_sim.faults import NO_FAULTS, USUAL_FAULTS
from firmware_sim.fleet import Fleet, MeterSpec, Progress, draw_specs
from firmware_sim.http import HttpSender, HttpTransport
from firmware_sim.mqtt import MqttTransport, parse_broker_url
from firmware_sim.transport import Transport
from firmware_sim.truth import FleetTruth
from firmware_sim.weather import Weather
from programs.client.addresses import addresses_of
from programs.client.bootstrap import ensure_balance
from programs.client.ids import PROGRAM_IDS

_LOG: Final = get_logger(__name__)
OWNER_LAMPORTS: Final = 1_000_000_000  # one SOL pays an owner's accounts many times over
ENROL_AT_ONCE: Final = 16
FIRST_RETRY_S: Final = 2.0
DRAIN_DEADLINE_S: Final = 120.0
SETTLE_DEADLINE_S: Final = 120.0
BETWEEN_LOOKS_S: Final = 0.1
HOUR_S: Final = 3_600

Told = Callable[[str, float], None]
"""(stage, share done from 0 to 1): live progress."""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What a run leaves to be counted."""

    truth: FleetTruth
    village: Village
    still_waiting: Sequence[MeterId]
    """Meters with statements that never got a receipt."""


async def live_a_day(platform: Platform, options: DemoOptions, tell: Told) -> Lived:
    """Run the demo on a started platform.

    Args:
        platform: with no meters yet, or with those of the same seed.
        options: how many meters, hours and faults.
        tell: shown progress.

    Raises:
        Conflict: a meter was refused at its registration.
        Unavailable: settlement did not come to rest in time.
    """
    cadence_s = profile_named(platform.settings.acceptance.profile).cadence_s
    end = platform.clock.now() // cadence_s * cadence_s
    start = end - options.hours * HOUR_S
    specs = draw_specs(options.meters, seed=options.seed, base_measured_at=start)
    village = draw_village(specs, network=platform.network, seed=options.seed)
    enrolled = await _enrol(platform, village, tell)
    await platform.bridge.meters_joined()
    async with _transport(platform, options, enrolled) as transport:
        fleet = _fleet(platform, options, specs, transport, cadence_s)
        await fleet.connect()
        await fleet.live(start, end, lambda progress: tell("living", _share(progress)))
        tell("draining journals", 0.0)
        waiting = await fleet.drain(DRAIN_DEADLINE_S)
        await fleet.close()
    await settled(platform, tell)
    return Lived(truth=fleet.truth(), village=village, still_waiting=waiting)


async def settled(platform: Platform, tell: Told) -> None:
    """Wait until everything accepted is on the chain and indexed.

    Raises:
        Unavailable: it did not come to rest within the deadline.
    """
    tell("settling", 0.0)
    try:
        async with asyncio.timeout(SETTLE_DEADLINE_S):
            await _at_rest(platform)
            await platform.bridge.indexer.catch_up()  # the sweep reads what is left from the rows
            await platform.bridge.sweep()  # what one meter still owes, another meter of its owner may have earned since
            await _at_rest(platform)
            await platform.bridge.indexer.catch_up()
    except TimeoutError as problem:
        raise Unavailable("settlement did not come to rest in time; see `gridtokenx settlement review`") from problem
    tell("settled", 1.0)


async def _at_rest(platform: Platform) -> None:
    while not await platform.bridge.is_idle():  # noqa: ASYNC110  # rows tell, no event does
        await asyncio.sleep(BETWEEN_LOOKS_S)


async def _enrol(platform: Platform, village: Village, tell: Told) -> Mapping[MeterId, str]:
    """Register every meter on chain and in the rows; returns the devices' passwords."""
    enrolment = Enrolment(
        store=platform.store,
        chain=platform.chain,
        addresses=addresses_of(PROGRAM_IDS),
        keys=platform.authorities,
        network=platform.network,
        fleet=platform.fleet,
        clock=platform.clock,
    )
    turns = asyncio.Semaphore(ENROL_AT_ONCE)
    done: list[Enrolled] = []

    async def enrol_owned(wallet: str) -> None:
        """An owner's meters one after the other: his account is made once."""
        async with turns:
            await ensure_balance(platform.chain, village.owners[wallet].pubkey, OWNER_LAMPORTS)
            for meter in (meter for meter in village.meters if meter.owner == wallet):
                done.append(await enrolment.enrol(meter, village.owners))
                tell("registering meters", len(done) / len(village.meters))

    async with asyncio.TaskGroup() as group:
        for wallet in village.owners:
            group.create_task(enrol_owned(wallet), name=f"enrol {wallet}")
    refused = [one for one in done if one.credential is None]
    if refused:
        raise Conflict(f"meter {refused[0].meter.meter_id} was not registered: {refused[0].problem or 'it exists already'}")
    return {one.meter.meter_id: one.credential.password for one in done if one.credential is not None}


@asynccontextmanager
async def _transport(platform: Platform, options: DemoOptions, passwords: Mapping[MeterId, str]) -> AsyncGenerator[Transport]:
    if options.through == "mqtt":
        address = parse_broker_url(platform.endpoints.mqtt_url)
        async with MqttTransport(address, fleet=platform.fleet, passwords=passwords) as transport:
            yield transport
        return
    async with httpx.AsyncClient(base_url=platform.endpoints.api_url) as client:
        yield HttpTransport(HttpSender(client, alert=_alert), wallets={})


def _fleet(platform: Platform, options: DemoOptions, specs: Sequence[MeterSpec], transport: Transport, cadence_s: int) -> Fleet:
    return Fleet(
        specs,
        network=platform.network,
        transport=transport,
        clock=platform.clock,
        weather=Weather(seed=options.seed),
        faults=USUAL_FAULTS if options.faults else NO_FAULTS,
        cadence_s=cadence_s,
        seed=options.seed,
        journal_dir=platform.settings.data_dir / "journals",
        first_retry_s=FIRST_RETRY_S,
    )


def _alert(sentence: str) -> None:
    _LOG.error("device_gave_up", why=sentence)


def _share(progress: Progress) -> float:
    return progress.ticks_done / progress.ticks
