"""How each kind of trouble is brought about and taken away again."""

import asyncio
from typing import Final

from core.runtime.crash_points import CrashPoint
from tests.faults.disk import SmallDisk
from tests.faults.parts import ForkedPart
from tests.faults.rpc_proxy import Fate
from tests.faults.schedule import Kind, Plan
from tests.faults.tcp_proxy import Line
from tests.faults.world import World

LIFE_OF_A_BLOCKHASH_S: Final = 4.6
"""150 slots, and 32 more until that is final."""
DEALT: Final = 2
"""Transactions that must meet their fate before it is over."""
DEALS_WITHIN_S: Final = 30.0
_LINES: Final = {Kind.CUT: Line.CUT, Kind.DEAF: Line.DEAF, Kind.HANGING: Line.HANGING}
_FATES: Final = {Kind.UNHEARD: Fate.UNHEARD, Kind.SWALLOWED: Fate.SWALLOWED, Kind.REFUSED: Fate.REFUSED, Kind.LATE: Fate.LATE}
_NEVER_LANDS: Final = frozenset(
    {CrashPoint.OUTBOX_RESENT, CrashPoint.OUTBOX_FOUND_DEAD, CrashPoint.OUTBOX_ENDING, CrashPoint.OUTBOX_ENDED}
)


async def inflict(world: World, plan: Plan, disk: SmallDisk | None) -> None:
    """Let it happen, and end it; the rest is `World.heal`."""
    match plan.kind:
        case Kind.QUIET:
            return
        case Kind.KILL:
            await world.parts[plan.target].kill()
            await asyncio.sleep(plan.lasts_s)
            await revive(world, plan.target)
        case Kind.RESTART:
            await world.parts[plan.target].stop()
            await asyncio.sleep(plan.lasts_s / 2)
            await revive(world, plan.target)
        case Kind.PAUSE:
            world.parts[plan.target].pause()
            await asyncio.sleep(plan.lasts_s)
            world.parts[plan.target].resume()
        case Kind.CUT | Kind.DEAF | Kind.HANGING:
            await _turn(world, plan.target, _LINES[plan.kind])
            await asyncio.sleep(plan.lasts_s)
            await _turn(world, plan.target, Line.GOOD)
        case Kind.UNHEARD | Kind.REFUSED | Kind.SWALLOWED | Kind.LATE:
            await _deal(world, plan)
        case Kind.FULL_DISK:
            assert disk is not None
            await _fill(world, plan, disk)
        case Kind.CLOCK:
            await _skew(world, plan)


async def arrange(world: World, plan: Plan, victim: ForkedPart) -> None:
    """Bring about what leads to a point that a good day never sees, until the victim has died there."""
    rules = world.lines.rpc.rules
    if plan.point in _NEVER_LANDS:
        rules.fate = Fate.SWALLOWED
    elif plan.point is CrashPoint.OUTBOX_WITHDRAWN:
        rules.no_blockhashes = True
    while not victim.died_as_ordered and world.lines.rpc.rules is rules:  # noqa: ASYNC110  # another process
        await asyncio.sleep(0.02)
    rules.no_blockhashes = False


async def revive(world: World, name: str) -> None:
    """Start a part, unless somebody else did."""
    part = world.parts[name]
    if not part.is_alive:
        await part.start()


async def _turn(world: World, target: str, line: Line) -> None:
    match target:
        case "chain":
            await world.lines.rpc.turn(line)
            await world.lines.notices.turn(line)
        case "broker":
            await world.lines.broker.turn(line)
        case _:
            assert world.lines.database is not None
            await world.lines.database.turn(line)


async def _deal(world: World, plan: Plan) -> None:
    """A late transaction arrives anywhere between at once and after the death of its blockhash."""
    rpc = world.lines.rpc
    before, rpc.rules.fate = rpc.rules.fate, _FATES[plan.kind]
    rpc.rules.late_by_s = plan.lasts_s * 2
    async with asyncio.timeout(DEALS_WITHIN_S):
        while len(rpc.seen) < DEALT:  # noqa: ASYNC110  # another process sends, when it comes to it
            await asyncio.sleep(0.02)
    await asyncio.sleep(LIFE_OF_A_BLOCKHASH_S if plan.kind is Kind.SWALLOWED else plan.lasts_s)
    rpc.rules.fate = before


async def _fill(world: World, plan: Plan, disk: SmallDisk) -> None:
    part = world.parts[plan.target]
    assert isinstance(part, ForkedPart)
    disk.fill(part)
    await asyncio.sleep(plan.lasts_s)
    disk.free()
    if plan.target == "chain":  # it says that it halted, and wants to be started again
        await part.kill()
        await part.start()


async def _skew(world: World, plan: Plan) -> None:
    """The clock jumps, and jumps back."""
    part = world.parts[plan.target]
    assert isinstance(part, ForkedPart)
    part.set_clock(plan.skew_s)
    await asyncio.sleep(2 * plan.lasts_s)
    part.set_clock(0)
