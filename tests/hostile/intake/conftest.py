"""What hostile tests look at: that the refusal is exact, and that nothing moved."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlmodel import select

from core.store import Store, meters, readings, refusals
from core.store.tables.meters import MeterRow
from core.store.tables.settlement import SettlementWorkRow
from tests.support.enrolled import Device, Door

Credited = Callable[[Device], Awaitable[tuple[int, int]]]


@pytest.fixture
async def door(sqlite_store: Store) -> AsyncIterator[Door]:
    door = Door(sqlite_store)
    yield door
    door.verifier.close()


@pytest.fixture
def credited(sqlite_store: Store) -> Credited:
    """A meter's credited generation and consumption, Wh."""

    async def look(device: Device) -> tuple[int, int]:
        async with sqlite_store.read() as session:
            row = await meters.find(session, device.meter_id)
        assert row is not None
        return row.credited_generation_wh, row.credited_consumption_wh

    return look


@pytest.fixture
def meter_row(sqlite_store: Store) -> Callable[[Device], Awaitable[MeterRow]]:
    async def look(device: Device) -> MeterRow:
        async with sqlite_store.read() as session:
            row = await meters.find(session, device.meter_id)
        assert row is not None
        return row

    return look


@pytest.fixture
def nothing_settles(sqlite_store: Store) -> Callable[[], Awaitable[bool]]:
    """Whether no meter has anything to settle."""

    async def look() -> bool:
        async with sqlite_store.read() as session:
            return (await session.exec(select(SettlementWorkRow))).first() is None

    return look


@pytest.fixture
def refused(sqlite_store: Store) -> Callable[[], Awaitable[list[tuple[str, int]]]]:
    """Refused contents: reason and how often, oldest first."""

    async def look() -> list[tuple[str, int]]:
        async with sqlite_store.read() as session:
            return [(row.reason, row.seen) for row in reversed(await refusals.page(session))]

    return look


@pytest.fixture
def row_of(sqlite_store: Store) -> Callable[[Device, int], Awaitable[tuple[str, str | None] | None]]:
    """What is stored under a number: status and reason."""

    async def look(device: Device, sequence: int) -> tuple[str, str | None] | None:
        async with sqlite_store.read() as session:
            row = await readings.find_by_sequence(session, device.meter_id, sequence)
        return None if row is None else (row.verification_status, row.reason)

    return look
