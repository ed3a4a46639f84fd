"""Meters to fuzz the intake with: honest ones, whose energy must come out exactly, and wild ones, whose own keys lie."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from broker.passwords import hash_password
from core.domain.readings import Statement, StatementKind
from core.runtime.clock import FixedClock
from core.store import Store
from devices.provisioning import record_bound_meter
from tests.fuzz.mutations import NUMBERS
from tests.support.enrolled import BASE_AT, CADENCE_S, FLEET, Device, key_of, meter_import, wallet_of

DAY_S: Final = 86_400
WILD_BASE_AT: Final = BASE_AT - 17 * DAY_S // 2
"""Long enough before the first moment that a statement can be too old and still after the base."""
BASE_SEQUENCE: Final = 10
HONEST, HONEST_INTERVAL, WILD, WILD_INTERVAL, LOST = 120, 20, 80, 20, 20


@dataclass(slots=True)
class HonestMeter:
    """Signs only what is true, every quarter of an hour."""

    device: Device
    sequence: int = 0
    generation_wh: int = 0
    consumption_wh: int = 0
    sent: list[Statement] = field(default_factory=list[Statement])
    credited_generation_wh: int = 0
    credited_consumption_wh: int = 0

    def due_at(self) -> int:
        """When it measures next, Unix seconds."""
        return BASE_AT + CADENCE_S * (self.sequence + 1)

    def next(self, random: Random) -> Statement:
        """Its next statement."""
        self.sequence += 1
        made, used = random.randrange(1, 20_000), random.randrange(2_000)
        if self.device.kind is StatementKind.INTERVAL:
            made, used = (made, 0) if random.random() < 0.8 else (0, used + 1)
            statement = self.device.states(self.sequence, made, used)
        else:
            self.generation_wh += made
            self.consumption_wh += used
            statement = self.device.states(self.sequence, self.generation_wh, self.consumption_wh)
        self.credited_generation_wh += made
        self.credited_consumption_wh += used
        self.sent = [*self.sent[-20:], statement]
        return statement


@dataclass(slots=True)
class WildMeter:
    """Signs anything; `last` is what was accepted of it."""

    device: Device
    last: Statement
    sequence: int = BASE_SEQUENCE

    def next(self, now: int, **changes: int) -> Statement:
        """A new number, now, with the registers of the last accepted statement unless changed."""
        self.sequence += 1
        is_interval = self.device.kind is StatementKind.INTERVAL
        plain = {
            "sequence": self.sequence,
            "measured_at": now - now % 60,
            "generation_wh": 50 if is_interval else self.last.generation_wh + 50,
            "consumption_wh": 0 if is_interval else self.last.consumption_wh,
        }
        return replace(self.last, **(plain | changes))


Lie = Callable[[WildMeter, Random, int], Statement]

LIES: Final[tuple[Lie, ...]] = (
    lambda meter, random, now: meter.next(now),
    lambda meter, random, now: meter.next(now, measured_at=now + random.choice((301, 86_400, 2**62))),
    lambda meter, random, now: meter.next(now, measured_at=WILD_BASE_AT + random.randrange(1, 3_600)),
    lambda meter, random, now: meter.next(now, measured_at=WILD_BASE_AT - random.randrange(3_600)),
    lambda meter, random, now: meter.next(now, measured_at=meter.last.measured_at + random.randrange(300, 840)),
    lambda meter, random, now: meter.next(now, measured_at=meter.last.measured_at + random.randrange(1, 300)),
    lambda meter, random, now: meter.next(now, generation_wh=max(0, meter.last.generation_wh - 1)),
    lambda meter, random, now: meter.next(now, generation_wh=meter.last.generation_wh + 2 ** random.randrange(31, 62)),
    lambda meter, random, now: meter.next(now, generation_wh=meter.last.generation_wh + random.randrange(60_000, 99_000)),
    lambda meter, random, now: meter.next(now, generation_wh=meter.last.generation_wh + random.randrange(60_000, 99_000)),
    lambda meter, random, now: meter.next(now, consumption_wh=meter.last.consumption_wh + 90_000),
    lambda meter, random, now: meter.next(now, sequence=meter.sequence + 2**21),
    lambda meter, random, now: meter.next(now, sequence=random.randrange(BASE_SEQUENCE + 1)),
    lambda meter, random, now: meter.next(now, generation_wh=0, consumption_wh=0),
    lambda meter, random, now: replace(
        meter.next(now),
        kind=StatementKind.INTERVAL if meter.device.kind is StatementKind.REGISTER else StatementKind.REGISTER,
    ),
    lambda meter, random, now: replace(meter.next(now), network=random.randbytes(8)),
)
"""What a device with a key of ours may say that is not so."""


def boundaries(meter: WildMeter, random: Random) -> Statement:
    """Numbers where integers end, signed."""
    return replace(
        meter.last,
        sequence=random.choice(NUMBERS),
        measured_at=random.choice((*NUMBERS, meter.last.measured_at)),
        generation_wh=random.choice(NUMBERS),
        consumption_wh=random.choice(NUMBERS),
    )


def other_content(meter: WildMeter, random: Random) -> Statement:
    """The number of the last accepted statement with another content: proof of a cloned device."""
    return replace(meter.last, generation_wh=meter.last.generation_wh + random.randrange(1, 50))


@dataclass(slots=True)
class Village:
    """All meters by the part they play."""

    honest: list[HonestMeter] = field(default_factory=list[HonestMeter])
    wild: list[WildMeter] = field(default_factory=list[WildMeter])
    lost: list[WildMeter] = field(default_factory=list[WildMeter])
    """Wild ones that any lie may suspend for ever."""
    unverified: list[WildMeter] = field(default_factory=list[WildMeter])
    """Their owners were never verified."""
    chatty: list[WildMeter] = field(default_factory=list[WildMeter])
    strangers: list[WildMeter] = field(default_factory=list[WildMeter])
    """Nobody registered them."""


async def settled_village(store: Store) -> Village:
    """Register a village in one transaction."""
    village = Village()
    async with store.begin() as session:

        async def enrolled(name: str, kind: StatementKind, *, verified: bool = True, **changes: object) -> Device:
            device = Device(meter_id=name, key=key_of(name), kind=kind, wallet=wallet_of(name))
            await record_bound_meter(
                session,
                meter_import(device, **changes),
                fleet=FLEET,
                token_account=wallet_of(f"tokens of {name}"),
                owner_verified=verified,
                hash_password=hash_password,
                clock=FixedClock(BASE_AT),
            )
            return device

        async def wild(name: str, kind: StatementKind, *, verified: bool = True, rated_in_w: int = 1_000) -> WildMeter:
            device = await enrolled(
                name,
                kind,
                verified=verified,
                base_sequence=BASE_SEQUENCE,
                base_measured_at=WILD_BASE_AT,
                rated_power_out_w=1_000,
                rated_power_in_w=rated_in_w,
            )
            return _wild(device)

        register, interval = StatementKind.REGISTER, StatementKind.INTERVAL
        village.honest = [HonestMeter(await enrolled(f"H{number}", register)) for number in range(HONEST)]
        village.honest += [HonestMeter(await enrolled(f"HI{number}", interval)) for number in range(HONEST_INTERVAL)]
        village.wild = [await wild(f"W{number}", register) for number in range(WILD)]
        village.wild += [await wild(f"WI{number}", interval, rated_in_w=number % 2 * 1_000) for number in range(WILD_INTERVAL)]
        village.lost = [await wild(f"L{number}", register if number % 2 else interval) for number in range(LOST)]
        village.unverified = [await wild(f"U{number}", register, verified=False) for number in range(3)]
        village.chatty = [await wild("CHATTY", register)]
    village.strangers = [_wild(Device(meter_id=name, key=key_of(name))) for name in ("nobody", "H", "h0", "..", "W0.")[:3]]
    return village


def _wild(device: Device) -> WildMeter:
    return WildMeter(device, device.states(BASE_SEQUENCE, 0, 0, measured_at=WILD_BASE_AT))
