"""Whatever derived cell is spoiled, a check names it and a rebuild heals it."""

import random
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.store.derived import DERIVED_TABLES, MARKS, PRIMARY, READINGS
from core.store.tables.registered import METADATA
from tests.support.derived_rows import derived_cells
from tests.support.rebuilding import rebuild_of
from tests.support.running_bridge import Running, names, until_idle

SEED = 4
CELLS = [
    *((table.name, column) for table in DERIVED_TABLES for column in (*table.key, *table.columns)),
    *((READINGS, column) for column in MARKS),
]


def spoiled(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 7
        case str():
            return f"x{value[1:]}" if value else "x"
        case _:
            return 7


async def spoil(world: Running, table: str, column: str, chance: random.Random) -> None:
    rows = METADATA.tables[table]
    async with world.store.begin() as session:
        connection = await session.connection()
        found = (await connection.execute(sa.select(rows).order_by(*rows.primary_key))).mappings().all()
        row = chance.choice(found)
        same = sa.and_(*(key == row[key.name] for key in rows.primary_key))
        await connection.execute(sa.update(rows).where(same).values({column: spoiled(row[column])}))


async def test_every_spoiled_cell_is_named_and_healed(world: Running, tmp_path: Path):
    devices = [await world.add_meter(name) for name in names("MTR", 2)]
    async with world.bridge() as bridge:
        for step in (1, 2):
            await world.say(world.intake(bridge), *((device, step, 1_000 * step, 100 * step) for device in devices))
            await until_idle(bridge)
    before, chance = await derived_cells(world.store), random.Random(SEED)

    async with rebuild_of(world, tmp_path) as rebuild:
        for table, column in CELLS:
            await spoil(world, table, column, chance)
            named = [str(one) for one in (await rebuild.check()).named]
            healed = await rebuild.mend()

            assert any(one.startswith(f"{table} ") and (column in one or "row is missing" in one) for one in named), (
                column,
                named,
            )
            assert healed.total == len(named)
            assert await derived_cells(world.store) == before


def test_every_column_of_every_table_is_derived_or_evidence():
    derived = {table.name: {*table.key, *table.columns, *filter(None, [table.surrogate])} for table in DERIVED_TABLES}

    for name, table in METADATA.tables.items():
        assert (name in derived) != (name in PRIMARY), name
        if name in derived:
            assert derived[name] == {column.name for column in table.columns}, name
    assert set(PRIMARY) | set(derived) == set(METADATA.tables)
    assert set(MARKS) < {column.name for column in METADATA.tables[READINGS].columns}
