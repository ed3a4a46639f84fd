"""How far each meter was settled, step by step: kept beside the rows that a rebuild reads, in its own database only."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, UniqueConstraint
from sqlmodel import col

from core.store.tables.ledger_standings import LedgerStandingRow
from core.store.unit_of_work import Session

POINTS: Final = Table(
    "settled_points",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("meter_id", String(16), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("entry_number", BigInteger, nullable=False),
    Column("signature", String(88), nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("meter_id", "sequence", "entry_number"),
)


async def create(session: Session) -> None:
    """Make the table where it is missing."""
    await (await session.connection()).run_sync(POINTS.metadata.create_all)


async def note(session: Session, meter_ids: Sequence[str]) -> None:
    """Keep where these meters stand now, unless they stood there before."""
    standing = LedgerStandingRow
    names = ("meter_id", "sequence", "entry_number", "signature", "at")
    settled = sa.select(
        col(standing.meter_id),
        col(standing.through_sequence),
        col(standing.through_entry),
        col(standing.through_signature),
        col(standing.through_at),
    ).where(col(standing.meter_id).in_(meter_ids), col(standing.through_signature) != "")
    await (await session.connection()).execute(sa.insert(POINTS).prefix_with("OR IGNORE").from_select(names, settled))
