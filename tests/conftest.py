"""What every test may use, and which groups this machine can run."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from core.store import Store
from core.store.tables.registered import METADATA
from tests.support.groups import GROUPS, missing_groups, runs_in_ci
from tests.support.postgres import PostgresServer

NOT_RUN: Final = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the groups that need what is not installed; in CI they stay, and fail."""
    missing = missing_groups({mark.name for item in items for mark in item.iter_markers()})
    config.stash[NOT_RUN] = missing
    left_out = [item for item in items if _needs(item, missing)]
    if left_out and not runs_in_ci():
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """In CI a group that cannot run is a failure."""
    for name in _needs(item, item.config.stash.get(NOT_RUN, [])):
        pytest.fail(_line(name), pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was not run, with the one command that installs it."""
    names = set(config.stash.get(NOT_RUN, []))
    if not names and config.getoption("numprocesses", default=None):
        names = set(missing_groups(set(GROUPS)))  # workers collected, not this process
    for name in sorted(names):
        terminalreporter.write_line(_line(name))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A temporary PostgreSQL server for the whole session."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Store]:
    """A migrated SQLite database in a file."""
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'platform.db'}")
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """One database for the session's tests, which take turns in it: a new one for each would cost a second of disk."""
    return postgres_server.new_database()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A migrated database without rows, once on SQLite and once on PostgreSQL."""
    on_sqlite = request.param == "sqlite"
    url = f"sqlite+aiosqlite:///{tmp_path / 'platform.db'}" if on_sqlite else request.getfixturevalue("postgres_url")
    store = Store(url)
    await store.migrate()
    if not on_sqlite:
        await _empty(store)
    yield store
    await store.close()


async def _empty(store: Store) -> None:
    names = ", ".join(f'"{table.name}"' for table in METADATA.sorted_tables)
    async with store.begin() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


def _needs(item: pytest.Item, names: list[str]) -> list[str]:
    return [name for name in names if item.get_closest_marker(name) is not None]


def _line(name: str) -> str:
    return f"not run: {name} (install with: {GROUPS[name].install})"
