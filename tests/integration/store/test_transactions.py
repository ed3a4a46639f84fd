"""The store's transactions, on both databases."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.domain.errors import Conflict, InvalidInput, Unavailable
from core.store import Store
from core.store.partitions import PREFIX
from core.store.tables.registered import METADATA
from core.store.tables.users import UserRow


def _user(wallet: str) -> UserRow:
    return UserRow(wallet_address=wallet, token_account="t", zone=1, verified=True, created_at=0, updated_at=0)


async def _wallets(store: Store) -> list[str]:
    async with store.read() as session:
        return list((await session.exec(select(UserRow.wallet_address).order_by(UserRow.wallet_address))).all())


async def test_what_is_committed_is_seen_and_what_fails_leaves_nothing(any_store: Store):
    async with any_store.begin() as session:
        session.add(_user("kept"))

    async def fail_half_way() -> None:
        async with any_store.begin() as session:
            session.add(_user("lost"))
            await session.flush()
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await fail_half_way()

    assert await _wallets(any_store) == ["kept"]


async def test_a_duplicate_is_a_conflict_and_nothing_of_its_transaction_stays(any_store: Store):
    async with any_store.begin() as session:
        session.add(_user("one"))

    async def repeat() -> None:
        async with any_store.begin() as session:
            session.add(_user("two"))
            session.add(_user("one"))

    with pytest.raises(Conflict):
        await repeat()

    assert await _wallets(any_store) == ["one"]


async def test_many_writers_take_turns_and_none_is_lost(any_store: Store):
    async def write(number: int) -> None:
        async with any_store.begin() as session:
            session.add(_user(f"w{number:02}"))

    async with asyncio.TaskGroup() as group:
        for number in range(25):
            group.create_task(write(number))

    assert await _wallets(any_store) == [f"w{number:02}" for number in range(25)]


async def test_migrating_again_and_at_once_is_harmless(any_store: Store):
    async with asyncio.TaskGroup() as group:
        group.create_task(any_store.migrate())
        group.create_task(any_store.migrate())

    assert await _wallets(any_store) == []


async def test_the_migrations_lead_to_exactly_the_tables_of_the_code(any_store: Store):
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _is_no_partition})
        return list(compare_metadata(context, METADATA))

    async with any_store.begin() as session:
        connection = await session.connection()
        assert await connection.run_sync(differences) == []


def _is_no_partition(name: str | None, kind: str, _: object) -> bool:
    """PostgreSQL itself keeps partitions like their table."""
    return kind != "table" or name is None or not name.startswith(PREFIX)


async def test_a_transaction_inside_another_is_a_programming_error_not_a_dead_lock(sqlite_store: Store):
    async with sqlite_store.begin():
        with pytest.raises(RuntimeError, match="inside another"):
            async with sqlite_store.begin():
                pass


async def test_a_reader_sees_a_whole_snapshot_while_a_writer_works(any_store: Store):
    async with any_store.read() as reader:
        before = (await reader.exec(select(UserRow))).all()
        async with any_store.begin() as session:
            session.add(_user("later"))
        during = (await reader.exec(select(UserRow))).all()

    assert (list(before), list(during), await _wallets(any_store)) == ([], [], ["later"])


@pytest.mark.postgres
async def test_a_server_that_is_away_is_unavailable_not_a_crash():
    store = Store("postgresql+asyncpg://gridtokenx@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        await store.migrate()
    await store.close()


async def test_a_statement_that_can_never_work_is_no_reason_to_try_again(any_store: Store):
    async def mistake() -> None:
        async with any_store.read() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("SELECT * FROM nothing_of_that_name")

    with pytest.raises(DBAPIError):
        await mistake()


@pytest.mark.parametrize("url", ["", "mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_another_kind_of_url_is_refused_with_a_sentence(url: str):
    with pytest.raises(InvalidInput, match="database URL"):
        Store(url)
