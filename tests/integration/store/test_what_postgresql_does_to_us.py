"""Deadlocks, time-outs and broken lines on a real PostgreSQL, sorted by what the caller should do, and survived."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from core.domain.errors import OutcomeUnknown, Unavailable
from core.runtime.clock import FixedClock
from core.store import Session, Store
from core.store.copying import copy_into
from tests.support.bridge_world import World
from tests.support.enrolled import BASE_AT, Door, by_mqtt, enrol, verdicts
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def store_url(postgres_server: PostgresServer) -> str:
    return postgres_server.new_database()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = Store(store_url)
    await store.migrate()
    yield store
    await store.close()


async def test_a_deadlock_ends_one_of_two_and_that_one_may_try_again(store: Store):
    await World(store=store).add_meters("M1", "M2")
    both_hold_one = asyncio.Barrier(2)
    unavailable: list[str] = []

    async def touch(first: str, second: str) -> None:
        async with store.begin() as session:
            await _run(session, f"UPDATE meters SET zone = zone + 1 WHERE meter_id = '{first}'")  # noqa: S608  # our own names
            if not unavailable:
                await both_hold_one.wait()
            await _run(session, f"UPDATE meters SET zone = zone + 1 WHERE meter_id = '{second}'")  # noqa: S608  # likewise

    async def until_done(first: str, second: str) -> None:
        try:
            await touch(first, second)
        except Unavailable as problem:
            unavailable.append(str(problem.__cause__))
            await touch(first, second)

    await asyncio.gather(until_done("M1", "M2"), until_done("M2", "M1"))

    assert len(unavailable) == 1
    async with store.read() as session:
        zones = (await (await session.connection()).execute(sa.text("SELECT zone FROM meters"))).scalars().all()
    assert list(zones) == [3, 3]


async def test_a_serialization_failure_and_a_statement_that_takes_too_long_may_be_tried_again(store: Store, store_url: str):
    async def clash() -> None:
        async with store.begin() as session:
            await _run(session, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await _run(session, "SELECT count(*) FROM users")
            async with store.begin() as meanwhile:
                await _run(meanwhile, "UPDATE users SET zone = 2")
            await _run(session, "UPDATE users SET zone = 3")

    hasty = Store(store_url, statement_timeout_ms=200)

    async def dawdle() -> None:
        async with hasty.begin() as session:
            await _run(session, "SELECT pg_sleep(30)")

    await _add_user(store, "before")
    for act in (clash, dawdle):
        with pytest.raises(Unavailable):
            await act()
    await _add_user(store, "afterwards")
    await hasty.close()


async def test_a_line_that_breaks_before_the_commit_leaves_nothing_and_the_next_transaction_gets_another(store: Store):
    async def broken() -> None:
        async with store.begin() as session:
            await _insert_user(session, "lost")
            await _end_line_of(store, session)
            await _run(session, "SELECT 1")

    with pytest.raises(Unavailable):
        await broken()

    await _add_user(store, "kept")
    assert await _users(store) == ["kept"]


async def test_a_line_that_breaks_while_committing_leaves_the_outcome_open(store: Store):
    """A deferred trigger holds the commit until its line is ended from outside."""
    async with store.begin() as session:
        await _run(
            session,
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END'",
        )
        await _run(
            session,
            "CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION dawdle()",
        )
    number: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def commit() -> None:
        async with store.begin() as session:
            await _insert_user(session, "who knows")
            number.set_result(await _line_of(session))

    committing = asyncio.ensure_future(commit())
    await _until_committing(store, await number)
    await _end_line(store, await number)

    with pytest.raises(OutcomeUnknown):
        await committing


async def test_what_is_copied_outside_a_transaction_is_refused(store: Store):
    async with store.begin() as session:
        connection = await session.connection()
        with pytest.raises(RuntimeError, match="outside"):
            await copy_into(connection, "users", ["id"], [])


async def test_the_door_takes_the_same_batch_again_after_its_line_was_ended(store: Store, monkeypatch: pytest.MonkeyPatch):
    device = await enrol(store)
    door = Door(store, clock=FixedClock(BASE_AT + 86_400))
    batch = [
        by_mqtt(device, device.binary(device.states(number, number * 100)), received_at=door.clock.now()) for number in (1, 2)
    ]
    _break_once(store, monkeypatch)

    with pytest.raises(Unavailable):
        await door.take(batch)

    assert verdicts(await door.take(batch)) == ["accepted", "accepted"]
    assert verdicts(await door.take(batch)) == ["repeated", "repeated"]


def _break_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the line right after the readings were copied."""
    left = [1]

    async def copy_and_break(connection: object, *arguments: object) -> None:
        await copy_into(connection, *arguments)  # pyright: ignore[reportArgumentType]  # handed through
        if left:
            left.pop()
            answer = await connection.exec_driver_sql("SELECT pg_backend_pid()")  # pyright: ignore[reportAttributeAccessIssue]  # an AsyncConnection
            await _end_line(store, answer.scalar_one())

    monkeypatch.setattr("core.store.readings.copy_into", copy_and_break)


async def _run(session: Session, statement: str) -> None:
    await (await session.connection()).exec_driver_sql(statement)


async def _insert_user(session: Session, wallet: str) -> None:
    await _run(
        session,
        "INSERT INTO users (wallet_address, token_account, zone, verified, created_at, updated_at)"  # noqa: S608  # our own names
        f" VALUES ('{wallet}', 't', 1, true, 0, 0)",
    )


async def _add_user(store: Store, wallet: str) -> None:
    async with store.begin() as session:
        await _insert_user(session, wallet)


async def _users(store: Store) -> list[str]:
    async with store.read() as session:
        found = await (await session.connection()).execute(sa.text("SELECT wallet_address FROM users ORDER BY id"))
        return list(found.scalars().all())


async def _line_of(session: Session) -> int:
    return (await (await session.connection()).execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()


async def _end_line_of(store: Store, session: Session) -> None:
    await _end_line(store, await _line_of(session))


async def _end_line(store: Store, number: int) -> None:
    """As an administrator, a failover or a fallen server would."""
    async with store.begin() as session:
        await _run(session, f"SELECT pg_terminate_backend({number}, 5000)")


async def _until_committing(store: Store, number: int) -> None:
    """Wait until the line is at its COMMIT."""
    state = sa.text("SELECT query FROM pg_stat_activity WHERE pid = :number AND state = 'active'")
    async with asyncio.timeout(10):
        while True:
            async with store.read() as session:
                query: str | None = (await (await session.connection()).execute(state, {"number": number})).scalar_one_or_none()
            if query is not None and query.upper().startswith("COMMIT"):
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("user", "database", "said"),
    [("nobody", "", "nobody"), ("gridtokenx", "no_such_database", "no_such_database"), ("guest", "", "permission denied")],
)
async def test_a_wrong_user_or_database_is_told_in_one_sentence_that_names_the_setting(
    store_url: str, user: str, database: str, said: str
):
    store = Store(store_url)
    async with store.begin() as session:
        await _run(session, "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    await store.close()
    wrong = sa.make_url(store_url).set(username=user, password="canary-9")  # looked for below
    stranger = Store((wrong.set(database=database) if database else wrong).render_as_string(hide_password=False))

    with pytest.raises(Unavailable, match=f"{said}.*GRIDTOKENX_DATABASE__URL") as refusal:
        await stranger.migrate()
    await stranger.close()

    assert "canary-9" not in str(refusal.value)
    assert "\n" not in str(refusal.value)
