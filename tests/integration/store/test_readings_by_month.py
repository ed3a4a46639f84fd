"""Readings by month: rooms made ahead, one row a number whoever inserts, and months let go without letting value go."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col, select, update

from core.domain.errors import Conflict
from core.domain.readings import StatementKind
from core.runtime.clock import FixedClock
from core.store import Store, meters, partitions
from core.store.migrations import configuration
from core.store.months import Month, month_of
from core.store.tables.readings import MeterReadingRow
from tests.support.bridge_world import World
from tests.support.enrolled import BASE_AT, CADENCE_S, Device, Door, enrol, verdicts

MONTH = month_of(BASE_AT)
ON_POSTGRESQL = pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of one's own: partitions outlive a TRUNCATE."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'platform.db'}"
    return request.getfixturevalue("postgres_server").new_database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = Store(url)
    await store.migrate()
    yield store
    await store.close()


def test_months_follow_each_other_over_the_turn_of_a_year():
    december = Month(2026, 12)

    assert (december.shifted(1), december.shifted(-12), december.name) == (Month(2027, 1), Month(2025, 12), "2026_12")
    assert [month_of(at) for at in (december.start_at, december.end_at - 1, december.end_at)] == [
        december,
        december,
        december.shifted(1),
    ]


@ON_POSTGRESQL
async def test_a_reading_without_a_room_is_kept_and_moves_into_its_room_when_that_is_made(store: Store):
    device = await enrol(store)
    door = Door(store, clock=FixedClock(BASE_AT + 86_400))
    await door.mqtt(device, device.states(1, 100), device.states(2, 200))
    before = await _rooms(store)

    made = await partitions.make_ahead(store, now=BASE_AT + 86_400)
    await door.mqtt(device, device.states(3, 300))

    assert made == [MONTH.shifted(ahead).name for ahead in range(3)]
    assert (before, await _rooms(store)) == ({"meter_readings_rest": 2}, {f"meter_readings_{MONTH.name}": 3})
    assert await partitions.make_ahead(store, now=BASE_AT + 86_400) == []


async def test_the_database_itself_refuses_a_second_row_of_a_number_in_whichever_month(store: Store):
    world = World(store=store)
    await world.add_meters("M1")
    await world.accept("M1", sequence=1, generation_wh=100)
    await partitions.make_ahead(store, now=MONTH.shifted(1).start_at)
    (stored,) = await world.readings("M1")

    for created_at in (stored.created_at, MONTH.shifted(1).start_at, MONTH.shifted(9).start_at):
        again = MeterReadingRow.model_validate(stored.model_dump(exclude={"id"}) | {"created_at": created_at})
        with pytest.raises(Conflict):
            await _add(store, again)

    assert len(await world.readings("M1")) == 1


async def test_a_month_is_let_go_when_its_value_is_settled_and_not_before(store: Store):
    device, door = await _two_months(store)
    now = MONTH.shifted(2).start_at

    assert await partitions.let_go(store, now=now, keep_months=2) == []
    await _mint(store)
    assert await partitions.let_go(store, now=now, keep_months=3) == []
    assert await partitions.let_go(store, now=now, keep_months=2) == [MONTH.name]

    assert await _sequences(store) == [4]
    assert await partitions.let_go(store, now=now, keep_months=2) == []
    async with store.read() as session:
        standing = (await meters.standings(session, [device.meter_id]))[device.meter_id]
    assert (standing.credited_generation_wh, standing.accepted_count) == (300, 3)
    assert verdicts(await door.mqtt(device, device.states(5, 100, measured_at=door.clock.now()))) == ["accepted"]


async def test_a_number_whose_month_was_let_go_is_never_credited_again_and_nothing_is_asked_for_again(store: Store):
    device, door = await _two_months(store)
    await _mint(store)
    await partitions.let_go(store, now=MONTH.shifted(2).start_at, keep_months=2)

    again = await door.mqtt(device, device.states(1, 100), device.states(3, 999))

    assert verdicts(again) == ["rejected stale", "rejected stale"]
    assert [receipt.missing for receipt in again.receipts] == [()]
    assert await _sequences(store) == [4]


async def test_a_rejected_number_is_free_again_after_its_month(store: Store):
    device = await enrol(store)
    door = Door(store, clock=FixedClock(BASE_AT + 10 * 86_400))
    assert verdicts(await door.mqtt(device, device.states(1, 100))) == ["rejected stale"]
    assert await _sequences(store) == [1]

    assert await partitions.let_go(store, now=MONTH.shifted(3).start_at, keep_months=2) == [MONTH.name]
    assert await _sequences(store) == []

    assert verdicts(await door.mqtt(device, device.states(1, 100))) == ["rejected stale"]
    assert await _sequences(store) == [1]


async def test_rows_of_the_first_tables_are_all_there_after_the_upgrade_and_can_be_taken_back(url: str):
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda one: command.upgrade(configuration(one), "0001"))
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO users (id, wallet_address, token_account, zone, verified, created_at, updated_at)"
            " VALUES (1, 'w', 't', 1, true, 0, 0)"
        )
        columns = ", ".join(name for name in _METER)
        await connection.execute(sa.text(f"INSERT INTO meters ({columns}) VALUES ({_named(_METER)})"), _METER)  # noqa: S608  # our own names
        for number, created_at in enumerate((MONTH.start_at, MONTH.shifted(1).start_at, MONTH.shifted(1).start_at), start=1):
            row = _READING | {"id": number, "sequence": number, "created_at": created_at}
            await connection.execute(sa.text(f"INSERT INTO meter_readings ({', '.join(row)}) VALUES ({_named(row)})"), row)  # noqa: S608  # likewise

    for revision in ("head", "0001", "head"):
        turn = command.downgrade if revision == "0001" else command.upgrade
        async with engine.begin() as connection:
            await connection.run_sync(lambda one, to=revision, turn=turn: turn(configuration(one), to))
            kept = (await connection.exec_driver_sql("SELECT id, sequence, created_at FROM meter_readings ORDER BY id")).all()
        assert [tuple(row) for row in kept] == [
            (1, 1, MONTH.start_at),
            (2, 2, MONTH.shifted(1).start_at),
            (3, 3, MONTH.shifted(1).start_at),
        ]
    await engine.dispose()


async def _two_months(store: Store) -> tuple[Device, Door]:
    """An interval meter with readings 1 and 3 in the first month and 4 in the next; 2 never came."""
    await partitions.make_ahead(store, now=BASE_AT)
    device = await enrol(store, kind=StatementKind.INTERVAL)
    door = Door(store, clock=FixedClock(BASE_AT + 86_400))
    await door.mqtt(device, device.states(1, 100), device.states(3, 100))
    late = MONTH.shifted(1).start_at + 86_400
    door.clock.now_s = late
    assert verdicts(await door.mqtt(device, device.states(4, 100, measured_at=late - CADENCE_S))) == ["accepted"]
    return device, door


async def _mint(store: Store) -> None:
    async with store.begin() as session:
        await session.exec(update(MeterReadingRow).values(minted=True))


async def _add(store: Store, row: MeterReadingRow) -> None:
    async with store.begin() as session:
        session.add(row)


async def _sequences(store: Store) -> list[int]:
    async with store.read() as session:
        return list((await session.exec(select(MeterReadingRow.sequence).order_by(col(MeterReadingRow.sequence)))).all())


async def _rooms(store: Store) -> dict[str, int]:
    """How many rows lie where, on PostgreSQL."""
    async with store.read() as session:
        connection = await session.connection()
        counted = await connection.execute(
            sa.select(sa.literal_column("tableoid::regclass::text"), sa.func.count())
            .select_from(sa.table("meter_readings"))
            .group_by(sa.text("1"))
        )
        return {str(name): int(count) for name, count in counted.all()}


def _named(values: dict[str, object]) -> str:
    return ", ".join(f":{name}" for name in values)


_METER: dict[str, object] = {
    **dict.fromkeys(("meter_id", "fleet", "wallet_address", "token_account"), "M1"),
    **dict.fromkeys(
        (
            *("user_id", "asset_kind", "statement_kind", "proof_kind", "zone", "rated_power_out_w", "rated_power_in_w", "status"),
            *("base_sequence", "base_measured_at", "base_generation_wh", "base_consumption_wh", "highest_sequence"),
            *("contiguous_sequence", "last_sequence", "last_measured_at", "last_generation_wh", "last_consumption_wh"),
            *("credited_generation_wh", "credited_consumption_wh", "accepted_count", "budget_generation_ws"),
            *("budget_consumption_ws", "budget_at", "created_at", "updated_at"),
        ),
        1,
    ),
}
_READING: dict[str, object] = {
    **dict.fromkeys(("wallet_address", "meter_id", "meter_signature", "public_key", "verification_status", "source"), "M1"),
    **dict.fromkeys(
        (
            *("user_id", "statement_kind", "kwh_amount", "energy_generation_wh", "energy_consumption_wh"),
            *("stated_generation_wh", "stated_consumption_wh", "reading_timestamp", "submitted_at", "updated_at"),
        ),
        1,
    ),
    "statement": bytes(64),
    "minted": False,
}
