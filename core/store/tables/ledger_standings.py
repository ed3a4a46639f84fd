"""Beside each ledger: corrections, and how far it is settled without a remainder."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from core.store.tables.types import METER_ID


class LedgerStandingRow(SQLModel, table=True):
    """Derived like the ledger and deleted with it. Energy in Wh, time in Unix seconds.

    `through_*` names the newest transaction after which a meter's ledger left nothing owed and nothing unsettled:
    accepted readings up to there are minted (R3.5).
    """

    __tablename__ = "ledger_standings"  # pyright: ignore[reportAssignmentType]  # sqlmodel declares it as derived

    meter_id: str = Field(primary_key=True, sa_type=METER_ID)
    correction_net_wh: int = Field(default=0, sa_type=BigInteger)
    through_sequence: int = Field(default=0, sa_type=BigInteger)
    through_entry: int = Field(default=0, sa_type=BigInteger)
    through_signature: str = Field(default="", max_length=88)
    through_at: int = Field(default=0, sa_type=BigInteger)
