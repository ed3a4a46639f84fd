"""PostgreSQL's COPY, inside the session's transaction."""

from collections.abc import Iterable, Sequence

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection


async def copy_into(connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Add rows to a table; its triggers see them as one statement.

    Raises:
        RuntimeError: the connection has no transaction yet: what is copied would be committed by itself.
        asyncpg.PostgresError: as the server says; `Store.begin` sorts it.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101  # the only driver for this dialect, see `Store`
    if not driver.is_in_transaction():
        raise RuntimeError("COPY was begun outside the transaction")
    await driver.copy_records_to_table(table, records=rows, columns=columns)
