"""One transaction at a time, on SQLite or PostgreSQL.

SQLite runs in WAL mode with `synchronous=FULL`: a receipt tells the device to forget its journal entry, so a commit must
survive a power cut. FULL costs one fsync a commit, and the door commits a whole micro-batch at once.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final, Literal
from weakref import WeakSet

import aiosqlite
import asyncpg
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlmodel.ext.asyncio.session import AsyncSession

from core.domain.errors import Conflict, InvalidInput, OutcomeUnknown, Unavailable
from core.store.migrations import upgrade

KIND_OF_TRANSACTION: Final = "gridtokenx_begin"
DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
BUSY_TIMEOUT_MS: Final = 10_000  # another process may hold the file while it checkpoints
SQLITE_READING: Final[Mapping[str, object]] = {KIND_OF_TRANSACTION: "read"}
POSTGRESQL_READING: Final[Mapping[str, object]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
POOL_SIZE: Final = 10
STATEMENT_TIMEOUT_MS: Final = 30_000
RETRY_SQLSTATES: Final = frozenset(
    {"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "57P05", "25P03", "53000", "53100", "53200", "53300", "58030"}
)
"""Serialization failure, deadlock, time-outs (lock, statement, idle), shutting down, starting up, no disk, memory or connection
left: try again later."""
LOST_SQLSTATES: Final = frozenset({"57P01", "57P02"})
"""The server ended the connection. Classes 08 and 57P of an answer to COMMIT leave open whether it took place."""
REFUSED_SQLSTATES: Final = frozenset({"3D000", "42501"})
"""No such database, no right to do this. With class 28 (user or password) what an operator has to correct."""
CONNECT_TIMEOUT_S: Final = 10
ANSWER_MARGIN_S: Final = 5
"""A server that says nothing for this long beyond its own statement time-out is gone, though the line may look open."""

SQLITE_MISTAKES: Final = ("no such ", "near ", "table ", "too many ")
"""How SQLite begins to complain of a statement; repeating it would not help."""

Session = AsyncSession
Ended = Callable[[Literal["read", "write"], Literal["ok", "away", "refused", "failed"], float], None]
"""Told of every transaction's end: its kind, how it ended, seconds. It must not raise."""


class Store:
    """The platform's database, by SQLAlchemy URL.

    Args:
        url: `sqlite+aiosqlite:///file` or `postgresql+asyncpg://user:password@host/name`.
        pool_size: most connections to PostgreSQL at once.
        statement_timeout_ms: longest that PostgreSQL works on one statement, a wait for a lock included.

    Raises:
        InvalidInput: the URL is malformed, names another kind of database, or SQLite without a file.
    """

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> None:
        parsed = _parse(url)
        on_sqlite = parsed.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(parsed) if on_sqlite else _postgres_engine(parsed, pool_size, statement_timeout_ms)
        self._file = Path(parsed.database) if on_sqlite and parsed.database else None
        self._reading = SQLITE_READING if on_sqlite else POSTGRESQL_READING
        self._sqlite_connections: WeakSet[aiosqlite.Connection] = WeakSet()
        event.listen(self._engine.sync_engine, "connect", self._remember)
        self._turn = asyncio.Lock()
        self._writer: asyncio.Task[object] | None = None
        self.on_end: Ended | None = None
        """Watches transactions, for figures."""

    @property
    def engine_name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    async def migrate(self) -> None:
        """Bring the tables to the newest revision; safe to repeat, and for several processes at once.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        on_postgresql = self.engine_name == "postgresql"
        patient = create_async_engine(self._engine.url, poolclass=NullPool) if on_postgresql else self._engine
        async with self._own_turn(), _sorted_errors(), patient.begin() as connection:  # a revision may take its time
            if on_postgresql:
                await connection.execute(text("SELECT pg_advisory_xact_lock(4771018)"))
            await connection.run_sync(upgrade)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Session]:
        """One writing transaction: committed at the end, rolled back on any exception.

        SQLite has one writer: writers of this process queue here, in order, instead of polling the file's lock.

        Raises:
            Unavailable: the database is away or asks to try again; nothing was committed.
            OutcomeUnknown: the line broke while committing: it may have taken place.
            Conflict: a unique or foreign key was violated; nothing was committed.
        """
        async with self._own_turn():
            with self._watched("write"):
                async with _sorted_errors(), AsyncSession(self._engine, expire_on_commit=False) as session:
                    yield session
                    await session.flush()
                    async with _unsure_of_lost_lines():
                        await session.commit()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Session]:
        """One reading transaction over a consistent snapshot; what it changes is rolled back.

        Raises:
            Unavailable: the database is away.
        """
        with self._watched("read"):
            async with _sorted_errors(), AsyncSession(self._engine, expire_on_commit=False) as session:
                await session.connection(execution_options=self._reading)
                yield session

    async def close(self) -> None:
        """Close all connections, those too that a cancelled task left behind: an open transaction would lock the file."""
        await self._engine.dispose()
        for connection in list(self._sqlite_connections):
            with suppress(sqlite3.Error, ValueError):  # closed already
                await connection.close()

    def _remember(self, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        del entry
        driver = getattr(connection, "driver_connection", None)
        if isinstance(driver, aiosqlite.Connection):
            self._sqlite_connections.add(driver)

    def _watched(self, kind: Literal["read", "write"]) -> AbstractContextManager[None]:
        return nullcontext() if self.on_end is None else _watching(kind, self.on_end)

    @asynccontextmanager
    async def _own_turn(self) -> AsyncGenerator[None]:
        if self.engine_name != "sqlite":
            yield
            return
        task = asyncio.current_task()
        if self._writer is not None and self._writer is task:
            raise RuntimeError("a transaction was begun inside another; pass the session on instead")
        async with self._turn:
            self._writer = task
            try:
                yield
            finally:
                self._writer = None


@contextmanager
def _watching(kind: Literal["read", "write"], on_end: Ended) -> Generator[None]:
    """Tell how long a transaction took and how it ended; what its own work raised is no fault of the database."""
    begun = time.perf_counter()
    end: Literal["ok", "away", "refused", "failed"] = "ok"
    try:
        yield
    except Unavailable:
        end = "away"
        raise
    except Conflict:
        end = "refused"
        raise
    except DBAPIError:
        end = "failed"
        raise
    finally:
        on_end(kind, end, time.perf_counter() - begun)


@asynccontextmanager
async def _sorted_errors() -> AsyncGenerator[None]:
    """Sort the driver's errors by what the caller should do."""
    try:
        yield
    except IntegrityError as problem:
        raise Conflict("the database refused a duplicate or dangling row") from problem
    except (OperationalError, InterfaceError, PoolTimeoutError, ConnectionError, TimeoutError) as problem:
        if isinstance(problem, OperationalError) and str(problem.orig).startswith(SQLITE_MISTAKES):
            raise
        raise Unavailable("the database is away or busy") from problem
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        state = _sqlstate(problem)
        if state.startswith("23"):
            raise Conflict("the database refused a duplicate or dangling row") from problem
        if _is_lost(problem) or state in RETRY_SQLSTATES:
            raise Unavailable("the database asks to try again") from problem
        if state.startswith("28") or state in REFUSED_SQLSTATES:
            raise Unavailable(f"the database lets us not in: {_said(problem)}; correct GRIDTOKENX_DATABASE__URL") from problem
        raise


@asynccontextmanager
async def _unsure_of_lost_lines() -> AsyncGenerator[None]:
    """A line that breaks between COMMIT and its answer says nothing about the commit.

    SQLite's commit is a call into this process, which never leaves the outcome open.
    """
    try:
        yield
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as problem:
        if _is_lost(problem):
            raise OutcomeUnknown("the line to the database broke while committing: look before repeating") from problem
        raise


def _is_lost(problem: Exception) -> bool:
    """Whether the connection is gone."""
    if isinstance(problem, OSError | asyncpg.InterfaceError) or (
        isinstance(problem, DBAPIError) and problem.connection_invalidated
    ):
        return True
    state = _sqlstate(problem)
    return state.startswith("08") or state in LOST_SQLSTATES


def _said(problem: Exception) -> str:
    """The server's sentence, which names user and database but no password."""
    said = problem.orig if isinstance(problem, DBAPIError) else problem
    return str(said).rsplit(">: ", 1)[-1]


def _sqlstate(problem: Exception) -> str:
    """PostgreSQL's five letters, by SQLAlchemy or by the driver itself; empty when there are none."""
    said = problem.orig if isinstance(problem, DBAPIError) else problem
    return str(getattr(said, "sqlstate", None) or "")


def _parse(url: str) -> URL:
    """The URL with our driver's name."""
    try:
        parsed = make_url(url)
    except ArgumentError as problem:
        raise InvalidInput("the database URL is malformed: give sqlite+aiosqlite:///file or postgresql+asyncpg://…") from problem
    driver = DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise InvalidInput("the database URL must start with sqlite+aiosqlite:// or postgresql+asyncpg://")
    if driver == DRIVERS["sqlite"] and parsed.database in (None, "", ":memory:"):
        raise InvalidInput("the database URL names no file: give sqlite+aiosqlite:///file, since a restart must lose nothing")
    return parsed.set(drivername=driver)


def _postgres_engine(url: URL, pool_size: int, statement_timeout_ms: int) -> AsyncEngine:
    """The server ends a statement that takes too long; the driver gives up on a server that says nothing at all."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": statement_timeout_ms / 1_000 + ANSWER_MARGIN_S,
            "server_settings": {"statement_timeout": str(statement_timeout_ms), "application_name": "gridtokenx"},
        },
    )


def _sqlite_engine(url: URL) -> AsyncEngine:
    # connections that stay: opening one for each moment's need costs a thread, its memory and six PRAGMAs
    engine = create_async_engine(url, pool_size=POOL_SIZE, hide_parameters=True)  # parameters are payloads, and errors are logged
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """Set what SQLite forgets with each connection, and leave BEGIN to us: the driver's own never begins IMMEDIATE."""
    del entry
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-4096",  # KiB of each of a dozen connections: 64 MiB filled for half an hour, as if memory leaked
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once, so that a transaction never has to upgrade and fail half way."""
    reading = connection.get_execution_options().get(KIND_OF_TRANSACTION) == "read"
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
