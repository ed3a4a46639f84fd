"""A swarm of simulated meters in a process of its own: commands come as JSON lines, each gets one line as answer.

`{"do": "connect"}`, `{"do": "rate", "per_s": 40, "most": 1000}` (0 is as fast as it goes), `{"do": "pause"}`, `{"do": "drain"}`,
`{"do": "count"}`, `{"do": "truth"}`.
"""

import asyncio
import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from core.domain.identity import MeterId, parse_fleet
from core.domain.verdicts import Verdict
from core.runtime.clock import SystemClock
from firmware_sim.device import Device
from firmware_sim.fleet import WINDOW, Fleet, draw_specs
from firmware_sim.mqtt import MqttTransport, parse_broker_url
from firmware_sim.weather import Weather

SPEC_FILE: Final = "swarm.json"
LANES: Final = 64
DRAIN_S: Final = 300.0
RECEIPT_WAIT_S: Final = 0.5
LATE_S: Final = 1.0
"""A swarm that is later than this gives the lost time up instead of sending a burst."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a swarm must know, as a file."""

    meters: int
    seed: int
    base_at: int
    cadence_s: int
    network: str
    fleet: str
    broker: str
    passwords: dict[MeterId, str]

    def write(self, path: Path) -> None:
        """Write it, readable by its owner alone."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return cls(**json.loads(path.read_text()))


class Pace:
    """Lets one meter after the other speak, at a rate that can be changed; meter time goes on by a cadence a round."""

    def __init__(self, fleet: Fleet, *, first_at: int, cadence_s: int) -> None:
        self._devices = list(fleet.devices.values())
        self._turns = {device.meter.meter_id: asyncio.Lock() for device in self._devices}
        self._next = 0
        self._spoken = 0
        self._first_at = first_at
        self._cadence_s = cadence_s
        self._most: int | None = None
        self._rate = 0.0
        self._due = 0.0
        self._going = asyncio.Event()
        self._dealing = asyncio.Lock()

    @property
    def spoken(self) -> int:
        """Turns to speak that were given and are over."""
        return self._spoken

    def go(self, per_s: float, most: int | None = None) -> None:
        """Speak so many statements a second from now on; 0 is as many as the receipts allow; fall silent after `most` turns."""
        self._most = most
        self._rate, self._due = per_s, asyncio.get_running_loop().time()
        self._going.set()

    def pause(self) -> None:
        """Fall silent."""
        self._going.clear()

    async def run(self) -> None:
        """Speak for ever."""
        async with asyncio.TaskGroup() as lanes:
            for number in range(LANES):
                lanes.create_task(self._lane(), name=f"lane {number}")

    async def _lane(self) -> None:
        while True:
            device, at = await self._deal()
            async with self._turns[device.meter.meter_id]:
                if not device.link.down and len(device.undecided()) > WINDOW:
                    await device.wait_for_receipts(RECEIPT_WAIT_S)
                await device.tick(at)
            self._spoken += 1

    async def _deal(self) -> tuple[Device, int]:
        """The next meter and its time, when it is due."""
        async with self._dealing:
            await self._going.wait()
            if self._rate:
                await self._wait()
            tick, number = divmod(self._next, len(self._devices))
            self._next += 1
            if self._next == self._most:
                self.pause()
            return self._devices[number], self._first_at + tick * self._cadence_s

    async def _wait(self) -> None:
        now = asyncio.get_running_loop().time()
        self._due = max(self._due + 1 / self._rate, now - LATE_S)
        if self._due > now:
            await asyncio.sleep(self._due - now)


async def _answer(fleet: Fleet, pace: Pace, command: dict[str, Any]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    match command["do"]:
        case "connect":
            started = loop.time()
            await fleet.connect()
            connected = sum(not device.link.down for device in fleet.devices.values())
            return {"connected": connected, "took_s": round(loop.time() - started, 2)}
        case "rate":
            pace.go(float(command["per_s"]), command.get("most"))
            return {}
        case "pause":
            pace.pause()
            return {}
        case "drain":
            pace.pause()
            return {"waiting": await fleet.drain(DRAIN_S)}
        case "truth":
            return {name: (one.generation_wh, one.consumption_wh) for name, one in fleet.truth().meters.items()}
        case _:
            return _counts(fleet) | {"spoken": pace.spoken}


def _counts(fleet: Fleet) -> dict[str, int]:
    every = [device.counters for device in fleet.devices.values()]
    answered = {verdict.value: sum(one.verdicts[verdict] for one in every) for verdict in Verdict}
    waiting = sum(len(device.undecided()) for device in fleet.devices.values())
    return {"stated": sum(one.stated for one in every), "sent": sum(one.sent for one in every), "open": waiting, **answered}


async def _main(spec: Spec) -> None:
    specs = draw_specs(spec.meters, seed=spec.seed, base_measured_at=spec.base_at)
    address = parse_broker_url(spec.broker)
    async with MqttTransport(address, fleet=parse_fleet(spec.fleet), passwords=spec.passwords) as transport:
        fleet = Fleet(
            specs,
            network=bytes.fromhex(spec.network),
            transport=transport,
            clock=SystemClock(),
            weather=Weather(seed=spec.seed),
            cadence_s=spec.cadence_s,
            seed=spec.seed,
            journal_dir=None,
        )
        pace = Pace(fleet, first_at=spec.base_at + spec.cadence_s, cadence_s=spec.cadence_s)
        async with asyncio.TaskGroup() as tasks:
            speaking = tasks.create_task(pace.run(), name="pace")
            await _listen(fleet, pace)
            speaking.cancel()
        await fleet.close()


async def _listen(fleet: Fleet, pace: Pace) -> None:
    """Obey until the standard input ends."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        answer = await _answer(fleet, pace, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Run until the standard input ends."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_main(Spec.read(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
