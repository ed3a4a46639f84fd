"""A subscriber on a door that tests open, close and break."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from core.domain.errors import Unavailable
from core.domain.identity import MeterId
from core.domain.verdicts import Verdict
from core.runtime.clock import FixedClock
from core.runtime.metrics import Metrics
from devices.receipts import ReceiptEntry, ReceiptMessage
from oracle_bridge.ingest import Arrival, IngestLimits
from oracle_bridge.ingest_door import Door
from oracle_bridge.subscriber import Subscriber
from tests.support.brokers import BRIDGE, FLEET, RunningBroker
from tests.support.enrolled import BASE_AT
from tests.support.waiting import until

NOW = BASE_AT + 86_400
NETWORK = b"network8"


class FakeDoor:
    """Commits to a list. Payloads that begin with `poison` cannot be taken."""

    def __init__(self) -> None:
        self.committed: list[bytes] = []
        self.refused: list[bytes] = []
        self.batches: list[int] = []
        self.attempts = 0
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.is_available = True
        self.refuses_to_refuse = False

    async def take(self, arrivals: Sequence[Arrival]) -> Sequence[ReceiptMessage]:
        self.attempts += 1
        await self.is_open.wait()
        if not self.is_available:
            raise Unavailable("the database is away")
        if any(arrival.payload.startswith(b"poison") for arrival in arrivals):
            raise ZeroDivisionError
        self.batches.append(len(arrivals))
        self.committed += [arrival.payload for arrival in arrivals]
        accepted = ReceiptEntry(sequence=1, verdict=Verdict.ACCEPTED)
        return [ReceiptMessage(meter_id=arrival.meter_id, results=(accepted,), highest=1) for arrival in arrivals]

    async def refuse(self, arrival: Arrival, detail: str) -> None:
        assert detail
        if self.refuses_to_refuse:
            raise ZeroDivisionError
        self.refused.append(arrival.payload)

    async def highest(self, meter_ids: Sequence[MeterId]) -> Mapping[MeterId, int]:
        return {meter_id: 41 for meter_id in meter_ids if meter_id != "MTR-2"}

    async def until_committed(self, count: int) -> None:
        await until(lambda: len(self.committed) >= count)


def new_subscriber(
    broker: RunningBroker,
    door: Door,
    *,
    limits: IngestLimits | None = None,
    password: str = BRIDGE[1],
    shared_group: str | None = None,
) -> Subscriber:
    return Subscriber(
        url=broker.url,
        username=BRIDGE[0],
        password=password,
        fleet=FLEET,
        door=door,
        network=NETWORK,
        clock=FixedClock(NOW),
        metrics=Metrics(),
        shared_group=shared_group,
        limits=limits,
    )


@asynccontextmanager
async def running(subscriber: Subscriber, *, kill: bool = False) -> AsyncGenerator[Subscriber]:
    """Run a subscriber until the block ends; then stop it in order, or kill it as a crash would."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(subscriber.run())
        try:
            async with asyncio.timeout(5):
                await subscriber.wait_ready()
            yield subscriber
        finally:
            if kill:
                with suppress(OSError):
                    subscriber._link.drop()
                task.cancel()
            else:
                subscriber.stop()
