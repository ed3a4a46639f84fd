"""Many meters in one process, living through simulated time as fast as it goes."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from core.domain.clock import Clock
from core.domain.identity import MeterId, parse_meter_id
from core.domain.readings import AssetKind, StatementKind
from devices.keys import DeviceKey
from firmware_sim.device import Device
from firmware_sim.faults import NO_FAULTS, FaultPlan, FaultyLink
from firmware_sim.journal import FileJournal, Journal, MemoryJournal
from firmware_sim.meter import Base, Meter
from firmware_sim.profiles import PLATES, Plate, profile_of
from firmware_sim.transport import LinkDown, Transport
from firmware_sim.truth import FleetTruth, MeterCounters
from firmware_sim.waiting import FIRST_RETRY_S
from firmware_sim.weather import Weather

LANES: Final = 64
"""Devices that act at the same moment."""
WINDOW: Final = 8
"""Statements without a receipt after which a meter waits for the platform: simulated time must not outrun it."""
_WINDOW_WAIT_S: Final = 0.5
_CLOCKS_WAIT_S: Final = 3.0
_KINDS: Final = (
    AssetKind.SOLAR,
    AssetKind.RESIDENTIAL,
    AssetKind.SOLAR,
    AssetKind.COMMERCIAL,
    AssetKind.WIND,
    AssetKind.RESIDENTIAL,
    AssetKind.BATTERY,
    AssetKind.SOLAR,
)
_INTERVAL_EVERY: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSpec:
    """One meter as it leaves the factory and is bound."""

    meter_id: MeterId
    key: DeviceKey
    statement_kind: StatementKind
    plate: Plate
    base: Base
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the simulated time has come."""

    at: int
    """Unix seconds of meter time."""
    ticks_done: int
    ticks: int
    stated: int
    """Statements signed so far."""


def draw_specs(count: int, *, seed: int, base_measured_at: int, prefix: str = "SIM") -> list[MeterSpec]:
    """Draw a mixed fleet: every sixth speaks intervals; registers begin somewhere, as real ones do.

    Args:
        count: meters.
        seed: decides keys, kinds and registers.
        base_measured_at: Unix seconds at which all are bound, a multiple of the cadence.
        prefix: of the meter ids, at most 10 letters.
    """
    return [_draw_spec(number, Random(f"{seed}:{number}"), base_measured_at, prefix) for number in range(1, count + 1)]


class Fleet:
    """Simulated devices on one transport.

    Args:
        specs: the meters.
        network: the 8 bytes of the deployment.
        transport: how their bytes travel.
        clock: true time.
        weather: over all of them.
        faults: what goes wrong.
        cadence_s: seconds between statements.
        seed: of the faults.
        journal_dir: where journals are kept; None keeps them in memory.
        first_retry_s: how long a device waits for its first receipt.
    """

    def __init__(
        self,
        specs: Iterable[MeterSpec],
        *,
        network: bytes,
        transport: Transport,
        clock: Clock,
        weather: Weather,
        faults: FaultPlan = NO_FAULTS,
        cadence_s: int = 900,
        seed: int = 0,
        journal_dir: Path | None = None,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self._network = network
        self._transport = transport
        self._clock = clock
        self._weather = weather
        self._faults = faults
        self._cadence_s = cadence_s
        self._seed = seed
        self._journal_dir = journal_dir
        self._first_retry_s = first_retry_s
        self._outages: dict[MeterId, int] = {}
        self._randoms: dict[MeterId, Random] = {}
        self.devices: dict[MeterId, Device] = {spec.meter_id: self._build(spec) for spec in specs}

    async def connect(self) -> None:
        """Bring every device on line; each says hello. One that is not let in tries again at every tick.

        Raises:
            LinkDown: not one line stands.
        """
        await self._for_each(self._connect)
        if self.devices and all(device.link.down for device in self.devices.values()):
            raise LinkDown("no meter reaches the platform: is the broker there, and does it know the credentials?")

    async def live(self, start: int, end: int, on_tick: Callable[[Progress], None] | None = None) -> None:
        """Live from `start` to `end`, Unix seconds; a statement at every multiple of the cadence after `start`."""
        first = start - start % self._cadence_s + self._cadence_s
        ticks = range(first, end + 1, self._cadence_s)
        for done, at in enumerate(ticks, start=1):
            is_last = done == len(ticks)
            if is_last:
                await self._end_the_troubles()
            await self._for_each(lambda device, at=at, is_last=is_last: self._live_once(device, at, is_last=is_last))
            if on_tick is not None:
                stated = sum(device.counters.stated for device in self.devices.values())
                on_tick(Progress(at=at, ticks_done=done, ticks=len(ticks), stated=stated))

    async def drain(self, deadline_s: float) -> list[MeterId]:
        """Send until everything has a receipt, with no more faults, for at most `deadline_s` seconds.

        Returns:
            The meters that still wait; quarantined statements wait for an operator and do not count.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline_s
        for device in self.devices.values():
            device.link.calm = True
        await self._for_each(self._bring_back)
        while (waiting := self._waiting()) and loop.time() < until:
            await self._for_each(self._send_due, [self.devices[meter_id] for meter_id in waiting])
            await asyncio.sleep(0.05)
        return waiting

    async def close(self) -> None:
        """Take every device off line and close its journal."""
        await self._for_each(self._disconnect)

    def truth(self) -> FleetTruth:
        """What really flowed, and what was done to the messages."""
        for device in self.devices.values():
            device.counters.overflowed = device.meter.journal.overflowed
        return FleetTruth(
            meters={meter_id: device.meter.truth for meter_id, device in self.devices.items()},
            counters={meter_id: device.counters for meter_id, device in self.devices.items()},
        )

    def _build(self, spec: MeterSpec) -> Device:
        random = Random(f"{self._seed}:{spec.meter_id}")
        self._randoms[spec.meter_id] = random
        counters = MeterCounters()
        meter = Meter(
            meter_id=spec.meter_id,
            network=self._network,
            key=spec.key,
            kind=spec.statement_kind,
            profile=profile_of(spec.plate, seed=spec.seed, weather=self._weather),
            base=spec.base,
            journal=self._journal(spec.meter_id),
        )
        return Device(
            meter,
            FaultyLink(spec.meter_id, self._transport, self._faults, random, counters),
            clock=self._clock,
            monotonic=lambda: asyncio.get_running_loop().time(),
            random=random,
            counters=counters,
            first_retry_s=self._first_retry_s,
        )

    def _journal(self, meter_id: MeterId) -> Journal:
        if self._journal_dir is None:
            return MemoryJournal()
        # The process may die at any time; the machine's power is not the meters', and thousands of fsyncs would be the limit.
        return FileJournal(self._journal_dir / f"{meter_id}.journal", sync=False)

    def _waiting(self) -> list[MeterId]:
        return [meter_id for meter_id, device in self.devices.items() if device.undecided()]

    async def _for_each(self, act: Callable[[Device], Awaitable[None]], devices: Sequence[Device] | None = None) -> None:
        """Let devices act, a bounded number at the same moment."""
        queue = iter(list(self.devices.values()) if devices is None else devices)

        async def lane() -> None:
            for device in queue:
                await act(device)

        async with asyncio.TaskGroup() as lanes:
            for number in range(min(LANES, len(self.devices))):
                lanes.create_task(lane(), name=f"fleet lane {number}")

    async def _connect(self, device: Device) -> None:
        device.link.down = True
        self._outages[device.meter.meter_id] = 0
        await self._bring_back(device)

    async def _disconnect(self, device: Device) -> None:
        await self._transport.disconnect(device.meter.meter_id)
        device.meter.journal.close()

    async def _live_once(self, device: Device, at: int, *, is_last: bool) -> None:
        if not is_last:
            await self._suffer(device)
        if not device.link.down and len(device.undecided()) > WINDOW:
            await device.wait_for_receipts(_WINDOW_WAIT_S)
        await device.tick(at)

    async def _suffer(self, device: Device) -> None:
        """Outages begin and end, clocks jump."""
        meter_id, random = device.meter.meter_id, self._randoms[device.meter.meter_id]
        if random.randrange(1_000) < self._faults.skew:
            device.meter.clock_skew_s += random.randint(-self._faults.skew_s, self._faults.skew_s)
        if device.link.down:
            self._outages[meter_id] -= 1
            if self._outages[meter_id] <= 0:
                await self._bring_back(device)
        elif random.randrange(1_000) < self._faults.outage:
            self._outages[meter_id] = random.randint(1, self._faults.outage_ticks)
            device.link.down = True
            await self._transport.disconnect(meter_id)

    async def _bring_back(self, device: Device) -> None:
        if not device.link.down:
            return
        try:
            await self._transport.connect(device.meter.meter_id, device.hears, device.is_back)
        except LinkDown:
            return  # the broker is away: the next tick tries again
        device.link.down = False
        await device.say_hello()

    async def _end_the_troubles(self) -> None:
        """Before the last statement every line is up, and wrong clocks are set by the platform's time."""
        await self._for_each(self._bring_back)
        wrong = [device for device in self.devices.values() if device.meter.clock_skew_s]
        if not wrong:
            return
        await self._for_each(lambda device: device.say_hello(), wrong)
        loop = asyncio.get_running_loop()
        until = loop.time() + _CLOCKS_WAIT_S
        while any(abs(device.meter.clock_skew_s) > 2 for device in wrong) and loop.time() < until:  # noqa: ASYNC110  # many devices, one deadline
            await asyncio.sleep(0.02)

    async def _send_due(self, device: Device) -> None:
        await self._bring_back(device)
        await device.tend()
        await device.send_what_is_due()


def _draw_spec(number: int, random: Random, base_measured_at: int, prefix: str) -> MeterSpec:
    asset_kind = _KINDS[(number - 1) % len(_KINDS)]
    return MeterSpec(
        meter_id=parse_meter_id(f"{prefix}-{number:05d}"),
        key=DeviceKey(hashlib.sha256(f"gridtokenx-sim-key:{random.getrandbits(256):x}".encode()).digest()),
        statement_kind=StatementKind.INTERVAL if number % _INTERVAL_EVERY == 0 else StatementKind.REGISTER,
        plate=PLATES[asset_kind],
        base=Base(
            sequence=0,
            measured_at=base_measured_at,
            generation_wh=random.randrange(50_000_000),
            consumption_wh=random.randrange(50_000_000),
        ),
        seed=random.getrandbits(32),
    )
