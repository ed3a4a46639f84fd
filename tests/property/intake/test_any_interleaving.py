"""Any interleaving of repeats, losses, reorderings and restarts credits the same, through the real door on SQLite."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.readings import Statement, StatementKind
from core.runtime.clock import FixedClock
from core.store import Store, meters, work
from core.store.tables.meters import MeterRow
from tests.support.enrolled import BASE_AT, CADENCE_S, Device, Door, enrol

POWER_W = 10_000
MOST_WH = POWER_W * CADENCE_S // 3_600
DAY = 96


@dataclass(slots=True)
class Platform:
    """A database file that outlives the processes on it."""

    url: str
    runner: asyncio.Runner
    names: Iterator[int]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("interleaving")
    with asyncio.Runner() as runner:
        platform = Platform(f"sqlite+aiosqlite:///{folder / 'platform.db'}", runner, itertools.count())
        runner.run(_migrate(platform.url))
        yield platform


async def _migrate(url: str) -> None:
    store = Store(url)
    await store.migrate()
    await store.close()


@dataclass(frozen=True)
class Story:
    """Energies of each quarter of an hour, and how they arrive: batches of indexes, repeats and losses included."""

    energies: Sequence[tuple[int, int]]
    batches: Sequence[Sequence[int]]
    crashes: frozenset[int]
    """Batches that fail at the end of their transaction and come again."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    energy = st.integers(0, MOST_WH)
    energies = draw(st.lists(st.tuples(energy, energy), min_size=2, max_size=12))
    index = st.integers(0, len(energies) - 1)
    batches = draw(st.lists(st.lists(index, min_size=1, max_size=6), min_size=1, max_size=8))
    return Story(energies, batches, draw(st.frozensets(st.integers(0, len(batches) - 1), max_size=3)))


@settings(max_examples=30, deadline=None)
@given(story=stories())
def test_registers_credit_up_to_the_newest_that_arrived(platform: Platform, story: Story):
    growth = list(itertools.accumulate(story.energies, lambda sum_, new: (sum_[0] + new[0], sum_[1] + new[1])))

    meter, said = platform.runner.run(_live(platform, story, StatementKind.REGISTER, growth))

    newest = max(itertools.chain.from_iterable(story.batches))
    assert (meter.credited_generation_wh, meter.credited_consumption_wh) == growth[newest]
    assert (meter.last_sequence, meter.accepted_count) == (newest + 1, len(said))


@settings(max_examples=30, deadline=None)
@given(story=stories())
def test_intervals_credit_each_number_that_arrived_once(platform: Platform, story: Story):
    meter, said = platform.runner.run(_live(platform, story, StatementKind.INTERVAL, story.energies))

    arrived = [story.energies[index] for index in said]
    credited = (meter.credited_generation_wh, meter.credited_consumption_wh)
    assert credited == (sum(one[0] for one in arrived), sum(one[1] for one in arrived))
    assert meter.accepted_count == sum(any(energies) for energies in arrived)


async def _live(
    platform: Platform, story: Story, kind: StatementKind, fields: Sequence[tuple[int, int]]
) -> tuple[MeterRow, set[int]]:
    """Tell the story to a platform that is restarted before every batch."""
    device: Device | None = None
    for number, batch in enumerate(story.batches):
        store = Store(platform.url)
        if device is None:
            name = f"P-{next(platform.names)}"
            device = await enrol(store, name, kind=kind, rated_power_out_w=POWER_W, rated_power_in_w=POWER_W)
        door = Door(store, clock=FixedClock(BASE_AT + DAY * CADENCE_S))
        statements = [device.states(index + 1, *fields[index]) for index in batch]
        if number in story.crashes:
            await _crash(door, device, statements)
        await door.mqtt(device, *statements)
        door.verifier.close()
        await store.close()
    assert device is not None
    store = Store(platform.url)
    async with store.read() as session:
        meter = await meters.find(session, device.meter_id)
    await store.close()
    assert meter is not None
    return meter, set(itertools.chain.from_iterable(story.batches))


async def _crash(door: Door, device: Device, statements: Sequence[Statement]) -> None:
    """The process dies after all is written and before the commit."""

    async def die(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    with patch.object(work, "want", die), pytest.raises(RuntimeError, match="the power went"):
        await door.mqtt(device, *statements)
