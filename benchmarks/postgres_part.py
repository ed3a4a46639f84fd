"""A PostgreSQL of a benchmark's own: durable, as in production, in a temporary folder."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from benchmarks.processes import Part
from tests.support.postgres import PostgresServer, binaries

DURABLE: Final = ("fsync=on", "synchronous_commit=on", "max_connections=60", "shared_buffers=256MB", "max_wal_size=2GB")


def is_installed() -> bool:
    """Whether this machine has one."""
    return binaries() is not None


@contextmanager
def postgres() -> Generator[tuple[str, Part]]:
    """Run one with an empty database; gives the SQLAlchemy URL, and the server to watch."""
    with PostgresServer(options=DURABLE) as server:
        yield server.new_database(), Part("database", server.pid)
