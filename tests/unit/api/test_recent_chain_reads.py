"""What the chain said a moment ago is given to all who ask, and never for longer."""

import asyncio
from dataclasses import dataclass, field

import pytest

from api.tokens.recent import RecentReads


@dataclass
class Chain:
    """Counts how often it is asked; answers when it may."""

    asked: int = 0
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    problem: Exception | None = None

    async def answer(self) -> int:
        self.asked += 1
        self.was_asked.set()
        mine = self.asked
        await self.may_answer.wait()
        if self.problem is not None:
            raise self.problem
        return mine


@dataclass
class Watch:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_is_shown_until_its_age_and_no_longer():
    chain, watch = Chain(), Watch()
    chain.may_answer.set()
    reads = RecentReads[str, int](max_age_s=0.4, now=watch)
    first = await reads.of("wallet", chain.answer)
    watch.now += 0.39
    again = await reads.of("wallet", chain.answer)
    watch.now += 0.01

    assert (first, again, await reads.of("wallet", chain.answer)) == (1, 1, 2)


async def test_the_age_counts_from_when_the_chain_was_asked():
    chain, watch = Chain(), Watch()
    reads = RecentReads[str, int](max_age_s=0.4, now=watch)
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(reads.of("wallet", chain.answer))
        await chain.was_asked.wait()
        watch.now += 0.4
        chain.may_answer.set()

    assert (slow.result(), await reads.of("wallet", chain.answer)) == (1, 2)


async def test_callers_at_once_share_one_look_up():
    chain = Chain()
    reads = RecentReads[str, int]()
    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(reads.of("wallet", chain.answer)) for _ in range(50)]
        await chain.was_asked.wait()
        chain.may_answer.set()

    assert {caller.result() for caller in callers} == {1}
    assert (chain.asked, await reads.of("another", chain.answer)) == (1, 2)


async def test_an_error_is_told_to_those_who_waited_and_not_kept():
    chain = Chain(problem=OSError("away"))
    reads = RecentReads[str, int]()
    callers = [asyncio.ensure_future(reads.of("wallet", chain.answer)) for _ in range(3)]
    await chain.was_asked.wait()
    chain.may_answer.set()
    told = await asyncio.gather(*callers, return_exceptions=True)
    chain.problem = None

    assert [type(one) for one in told] == [OSError] * 3
    assert (chain.asked, await reads.of("wallet", chain.answer)) == (1, 2)


async def test_a_caller_that_goes_away_leaves_nobody_waiting():
    chain = Chain()
    reads = RecentReads[str, int]()
    first = asyncio.ensure_future(reads.of("wallet", chain.answer))
    await chain.was_asked.wait()
    second = asyncio.ensure_future(reads.of("wallet", chain.answer))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    chain.may_answer.set()

    assert (await second, chain.asked) == (2, 2)


async def test_the_oldest_answer_gives_way():
    chain = Chain()
    chain.may_answer.set()
    reads = RecentReads[str, int](most=2)
    for wallet in ("a", "b", "c"):
        await reads.of(wallet, chain.answer)

    assert (await reads.of("c", chain.answer), await reads.of("b", chain.answer), await reads.of("a", chain.answer)) == (3, 2, 4)
