"""All derived cells of a database, to be compared before and after."""

from typing import Any

import sqlalchemy as sa

from core.store import Store, rebuilding
from core.store.derived import DERIVED_TABLES, MARKS, READINGS
from core.store.tables.registered import METADATA

Cells = dict[tuple[str, str, str], Any]
"""By table, key and column."""


async def derived_cells(store: Store) -> Cells:
    """Every derived cell; surrogate ids and receipt times are none."""
    cells: Cells = {}
    async with store.read() as session:
        for table in DERIVED_TABLES:
            async for page in rebuilding.pages(session, table):
                for key, row in page.items():
                    name = " ".join(map(str, key))
                    cells |= {(table.name, name, column): value for column, value in row.items()}
        async for page in rebuilding.marked_readings(session):
            for one in page:
                name = f"{one.meter_id} {one.sequence}"
                cells |= {(READINGS, name, column): value for column, value in zip(MARKS, one.marks, strict=True)}
    return cells


async def forget_derived(store: Store) -> None:
    """Leave only evidence."""
    async with store.begin() as session:
        connection = await session.connection()
        for table in DERIVED_TABLES:
            await connection.execute(sa.delete(METADATA.tables[table.name]))
        await connection.execute(
            sa.update(METADATA.tables[READINGS]).values(minted=False, mint_tx_signature=None, mint_timestamp=None)
        )
