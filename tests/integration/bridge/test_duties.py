"""Who stops in order leaves nothing for others to wait for; who falls silent is waited for until the lease runs out."""

import asyncio

from core.domain.clock import Clock
from core.runtime.clock import FixedClock
from core.store import Store
from oracle_bridge.duties import Duties


def duties_of(store: Store, owner: str, clock: Clock) -> Duties:
    return Duties(store=store, clock=clock, owner=owner, lease_s=45)


async def at_work(duties: Duties, begun: asyncio.Event) -> None:
    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    await duties.holding("audit", work)()


async def test_a_bridge_that_stops_in_order_gives_its_duty_back_at_once(sqlite_store: Store):
    clock, begun = FixedClock(1_000), asyncio.Event()
    first, second = duties_of(sqlite_store, "bridge-1", clock), duties_of(sqlite_store, "bridge-2", clock)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(at_work(first, begun))
        await begun.wait()
        assert not await second.mine("audit")
        task.cancel()

    assert await second.mine("audit")


async def test_who_stops_gives_back_nothing_that_became_anothers(sqlite_store: Store):
    begun, first = asyncio.Event(), duties_of(sqlite_store, "bridge-1", FixedClock(1_000))
    later = duties_of(sqlite_store, "bridge-2", FixedClock(1_046))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(at_work(first, begun))
        await begun.wait()
        assert await later.mine("audit")
        task.cancel()

    assert not await first.mine("audit")
