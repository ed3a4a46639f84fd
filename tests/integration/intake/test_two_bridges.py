"""Two bridges on one database, given the same and each other's messages at once."""

import asyncio
import random
from pathlib import Path

import pytest

from core.domain.errors import Unavailable
from core.runtime.clock import FixedClock
from core.store import Store, readings
from core.store import meters as meter_rows
from devices.intake import Submission
from tests.support.enrolled import BASE_AT, CADENCE_S, Door, by_mqtt, enrol

METERS = 6
READINGS = 12
NOON = BASE_AT + 96 * CADENCE_S


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'platform.db'}"
    return request.getfixturevalue("postgres_server").new_database()


async def test_two_bridges_at_once_store_each_reading_once_and_credit_it_once(url: str):
    stores = [Store(url), Store(url)]
    await stores[0].migrate()
    devices = [await enrol(stores[0], f"M{number}") for number in range(METERS)]
    messages = [
        by_mqtt(device, device.binary(device.states(number, number * 100)), received_at=NOON)
        for device in devices
        for number in range(1, READINGS + 1)
    ]

    async def bridge(store: Store, seed: int) -> None:
        door, order = Door(store, clock=FixedClock(NOON)), messages[:]
        random.Random(seed).shuffle(order)
        for start in range(0, len(order), 9):
            await _until_stored(door, order[start : start + 9])
        door.verifier.close()

    async with asyncio.TaskGroup() as group:
        for seed, store in enumerate(stores):
            group.create_task(bridge(store, seed))

    async with stores[0].read() as session:
        standings = await meter_rows.standings(session, [device.meter_id for device in devices])
        counts = await readings.count_by_verdict(session)
    for store in stores:
        await store.close()
    assert {(one.credited_generation_wh, one.accepted_count) for one in standings.values()} == {(READINGS * 100, READINGS)}
    assert counts == {"accepted": METERS * READINGS}


async def _until_stored(door: Door, batch: list[Submission]) -> None:
    """As the subscriber does: what could not be stored comes again."""
    while True:
        try:
            await door.take(batch)
        except Unavailable:
            await asyncio.sleep(0.01)
        else:
            return
