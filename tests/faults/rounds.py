"""One round: a day on bad lines during which one process dies at a named point and something else goes wrong too."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.store import Store
from programs.client.rpc import ChainClient
from tests.faults.broken import Breakage
from tests.faults.database_part import PostgresPart
from tests.faults.disk import SmallDisk
from tests.faults.inflict import arrange, inflict
from tests.faults.parts import ForkedPart
from tests.faults.schedule import Kind, Plan
from tests.faults.template import TICKS, Template
from tests.faults.town import Town, town_of
from tests.faults.verdict import Findings, judge
from tests.faults.world import READY_WITHIN_S, World, is_ready, world_of

DIES_WITHIN_S: Final = 40.0
DRAINS_WITHIN_S: Final = 120.0
RESTS_WITHIN_S: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a round came to."""

    plan: Plan
    found: Findings
    seconds: float
    kept: Path | None = None
    """Where the logs of a failed round are."""

    @property
    def ok(self) -> bool:
        return not self.found.failures


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What all rounds share."""

    template: Template
    server: PostgresPart | None
    may_mount: bool
    folder: Path
    broken: Breakage | None = None
    rests_within_s: float = RESTS_WITHIN_S


async def play(ground: Ground, plan: Plan) -> Outcome:
    """Play one round."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    folder = Path(tempfile.mkdtemp(prefix=f"round-{plan.number}-", dir=ground.folder))
    disk = _disk(ground, plan, folder)
    try:
        async with world_of(ground.template, folder, database=plan.database, server=ground.server, broken=ground.broken) as world:
            found = await _live(ground, world, plan, disk)
    except (AssertionError, OSError, TimeoutError, ExceptionGroup) as problem:
        found = Findings(failures=[f"the round broke off: {problem!r}"])
    finally:
        if disk is not None:
            disk.unmount()
    return Outcome(plan=plan, found=found, seconds=loop.time() - begun, kept=folder if found.failures else None)


async def _live(ground: Ground, world: World, plan: Plan, disk: SmallDisk | None) -> Findings:
    for part in (world.database, world.chain, world.broker):
        if part is not None and not part.is_alive:
            await part.start()
    await _chain_answers(world)
    victim = world.bridge if plan.victim == "bridge" else world.api
    victim.order_death(plan.point, plan.nth)
    passwords = ground.template.passwords[plan.database]
    async with (
        town_of(
            ground.template,
            seed=plan.seed + plan.number,
            passwords=passwords,
            broker_port=world.broker_port,
            api_port=world.api_port,
        ) as town,
        asyncio.TaskGroup() as tasks,
    ):
        keeper = tasks.create_task(_keep_alive(world, plan), name="the service manager")
        found = await _suffer(world, plan, town, disk)
        found.failures += await _recover(world, town)
        if not found.failures:
            found = await _judge(world, town, ground.rests_within_s)
        keeper.cancel()
    return found


async def _suffer(world: World, plan: Plan, town: Town, disk: SmallDisk | None) -> Findings:
    """The day, with its trouble and the ordered death."""
    victim = world.bridge if plan.victim == "bridge" else world.api
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_trouble(world, plan, town, disk), name="the trouble")
        await _begun(world, victim)
        arranged = tasks.create_task(arrange(world, plan, victim), name="what leads to the point")
        await town.connect()
        await town.live(TICKS - 1)
        died = await _died(victim)
        arranged.cancel()
    if died:
        return Findings()
    return Findings(failures=[f"{plan.victim} never came to {plan.point.value}"])


async def _recover(world: World, town: Town) -> list[str]:
    """Everything is well again; the last statements are made, and all are brought to the platform."""
    await world.heal()
    await world.ready()
    await town.live(TICKS)
    waiting = await town.drain(DRAINS_WITHIN_S)
    return [f"meters without receipts: {', '.join(waiting)}"] * bool(waiting)


async def _trouble(world: World, plan: Plan, town: Town, disk: SmallDisk | None) -> None:
    while town.ticks_done < plan.begins_at_tick:  # noqa: ASYNC110  # a fleet sets no event
        await asyncio.sleep(0.05)
    await inflict(world, plan, disk)


async def _keep_alive(world: World, plan: Plan) -> None:
    """Bridge and API start, and come back a little after they ended, for whatever reason."""
    while True:
        dead = [part for part in (world.bridge, world.api) if not part.is_alive]
        await asyncio.sleep(plan.comes_back_after_s if dead else 0.05)
        for part in dead:
            if not part.is_alive:  # nobody else was faster
                await part.start()


async def _died(victim: ForkedPart) -> bool:
    """Whether the ordered death comes, sooner or later."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DIES_WITHIN_S):
            while not victim.died_as_ordered:  # noqa: ASYNC110  # another process
                await asyncio.sleep(0.02)
    return victim.died_as_ordered


async def _begun(world: World, victim: ForkedPart) -> None:
    """Wait until both answer; who is ordered to die at a point that comes with the start has died by then."""
    async with asyncio.timeout(READY_WITHIN_S):
        while not victim.died_as_ordered and not await _both_ready(world):  # noqa: ASYNC110  # other processes
            await asyncio.sleep(0.05)


async def _both_ready(world: World) -> bool:
    return await is_ready(world.bridge_port) and await is_ready(world.api_port)


async def _chain_answers(world: World) -> None:
    async with ChainClient(world.chain_url) as chain, asyncio.timeout(15):
        while not await chain.is_healthy():  # another process
            assert world.chain.is_alive, "the chain ended: see its log"
            await asyncio.sleep(0.02)


async def _judge(world: World, town: Town, within_s: float) -> Findings:
    store = Store(world.database_url)
    try:
        async with ChainClient(world.chain_url) as chain:
            return await judge(store, chain, town.truth, town.stated, within_s=within_s)
    finally:
        await store.close()


def _disk(ground: Ground, plan: Plan, folder: Path) -> SmallDisk | None:
    if plan.kind is not Kind.FULL_DISK:
        return None
    disk = SmallDisk(folder / ("chain" if plan.target == "chain" else "database"), may_mount=ground.may_mount)
    disk.mount()
    return disk


def told(outcome: Outcome) -> Sequence[str]:
    """The round's line, and what failed."""
    plan, found = outcome.plan, outcome.found
    minted, burned = found.terms.get("minted", 0), found.terms.get("burned", 0)
    line = (
        f"round {plan.number:3} seed {plan.seed} {plan.database:<10} {plan!s:<64} "
        f"{found.transactions:3} landed {found.ended:2} without effect, {minted} Wh minted {burned} Wh burned, "
        f"{outcome.seconds:4.1f} s  {'ok' if outcome.ok else 'FAILED'}"
    )
    return [line, *(f"    {failure}" for failure in found.failures), *([f"    logs: {outcome.kept}"] if outcome.kept else [])]
