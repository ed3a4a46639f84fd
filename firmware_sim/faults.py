"""What goes wrong between a meter and the platform: seeded, counted, and the same every time."""

from dataclasses import dataclass
from random import Random
from typing import Final

from core.domain.identity import MeterId
from devices.topics import Channel
from firmware_sim.transport import LinkDown, Transport
from firmware_sim.truth import MeterCounters

_CARRIES_ENERGY: Final = frozenset({Channel.READING, Channel.JOURNAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """How often each fault strikes, per mille of messages or of ticks."""

    loss: int = 0
    """A message vanishes after it was handed over."""
    repeat: int = 0
    """A message arrives twice."""
    reorder: int = 0
    """A message arrives after the next one."""
    tamper: int = 0
    """One bit of a message is turned on its way."""
    outage: int = 0
    """Per tick: the line goes down."""
    outage_ticks: int = 6
    """How long an outage lasts at most, ticks."""
    skew: int = 0
    """Per tick: the device's clock jumps."""
    skew_s: int = 600
    """How far a clock jumps at most, seconds either way."""


NO_FAULTS: Final = FaultPlan()
USUAL_FAULTS: Final = FaultPlan(loss=40, repeat=50, reorder=40, tamper=10, outage=10, skew=5)
"""A bad day: about one message in seven is touched."""


class FaultyLink:
    """One meter's line: the transport with its faults. Hello, status and replies pass untouched."""

    def __init__(self, meter_id: MeterId, transport: Transport, plan: FaultPlan, random: Random, counters: MeterCounters) -> None:
        self._meter_id = meter_id
        self._transport = transport
        self._plan = plan
        self._random = random
        self._counters = counters
        self._delayed: tuple[Channel, bytes] | None = None
        self.down = False
        self.calm = False
        """Set at the end of a day: nothing more goes wrong, so that everything can arrive."""

    async def publish(self, channel: Channel, payload: bytes) -> None:
        """Send what is sent, or raise LinkDown; loss looks like success."""
        if self.down:
            self._counters.refused_by_link += 1
            raise LinkDown(f"the line of {self._meter_id} is down")
        if channel not in _CARRIES_ENERGY:
            await self._transport.publish(self._meter_id, channel, payload)
            return
        self._counters.sent += 1
        if self._strikes(self._plan.loss):
            self._counters.lost += 1
            return
        if self._delayed is None and self._strikes(self._plan.reorder):
            self._counters.reordered += 1
            self._delayed = (channel, payload)
            return
        await self._deliver(channel, payload)
        await self.flush()

    async def flush(self) -> None:
        """Deliver what was held back."""
        if self._delayed is not None and not self.down:
            (channel, payload), self._delayed = self._delayed, None
            await self._deliver(channel, payload)

    async def _deliver(self, channel: Channel, payload: bytes) -> None:
        if self._strikes(self._plan.tamper):
            self._counters.tampered += 1
            payload = turn_a_bit(payload, self._random)
        await self._transport.publish(self._meter_id, channel, payload)
        if self._strikes(self._plan.repeat):
            self._counters.repeated += 1
            await self._transport.publish(self._meter_id, channel, payload)

    def _strikes(self, per_mille: int) -> bool:
        return not self.calm and self._random.randrange(1_000) < per_mille


def turn_a_bit(payload: bytes, random: Random) -> bytes:
    """A copy that differs in one bit."""
    turned = bytearray(payload)
    turned[random.randrange(len(turned))] ^= 1 << random.randrange(8)
    return bytes(turned)
