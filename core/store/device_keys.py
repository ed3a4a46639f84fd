"""The keys that sign for meters: one key serves one meter for ever. Times in Unix seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col

from core.store.tables.meters import DeviceKeyRow
from core.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with its validity."""

    meter_id: str
    public_key: str
    """Base58."""
    valid_from: int
    valid_until: int | None
    revoked_at: int | None


async def keys_of(session: Session, meter_ids: Sequence[str]) -> dict[str, list[StoredKey]]:
    """All keys of these meters, newest first; a meter without keys is absent."""
    statement = (
        sa.select(
            col(DeviceKeyRow.meter_id),
            col(DeviceKeyRow.public_key),
            col(DeviceKeyRow.valid_from),
            col(DeviceKeyRow.valid_until),
            col(DeviceKeyRow.revoked_at),
        )
        .where(col(DeviceKeyRow.meter_id).in_(meter_ids))
        .order_by(col(DeviceKeyRow.valid_from).desc(), col(DeviceKeyRow.public_key))
    )
    connection = await session.connection()
    found: dict[str, list[StoredKey]] = {}
    for row in (await connection.execute(statement)).all():
        found.setdefault(row[0], []).append(StoredKey(*row))
    return found


async def find(session: Session, public_key: str) -> DeviceKeyRow | None:
    """The key's row, whichever meter it serves."""
    return await session.get(DeviceKeyRow, public_key)
