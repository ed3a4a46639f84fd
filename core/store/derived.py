"""Which columns follow from the chain alone, so that `gridtokenx rebuild` can write them again, and which are evidence.

Every column of every table is on exactly one side; a test compares this list with the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlmodel import SQLModel

from core.store.tables.chain import ChainCursorRow, ChainEventRow, LedgerRow
from core.store.tables.ledger_standings import LedgerStandingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedTable:
    """A table whose every row follows from the chain."""

    row: type[SQLModel]
    key: tuple[str, ...]
    columns: tuple[str, ...]
    """What the chain says beside the key."""
    surrogate: str | None = None
    """Numbered as rows are written, of no meaning."""

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.row.__tablename__)

    @property
    def order(self) -> str:
        """The column by which its rows are paged through."""
        return self.surrogate or self.key[0]


EVENTS: Final = DerivedTable(
    row=ChainEventRow,
    key=("signature", "event_index"),
    columns=("slot", "block_time", "program", "name", "payload"),
    surrogate="id",
)
CURSORS: Final = DerivedTable(row=ChainCursorRow, key=("program",), columns=("signature", "slot"))
LEDGERS: Final = DerivedTable(
    row=LedgerRow,
    key=("meter_id",),
    columns=(
        "sequence",
        "entry_number",
        "credited_generation_wh",
        "credited_consumption_wh",
        "settled_net_wh",
        "minted_wh",
        "burned_wh",
        "updated_slot",
    ),
)
STANDINGS: Final = DerivedTable(
    row=LedgerStandingRow,
    key=("meter_id",),
    columns=("correction_net_wh", "through_sequence", "through_entry", "through_signature", "through_at"),
)
DERIVED_TABLES: Final = (EVENTS, CURSORS, LEDGERS, STANDINGS)

READINGS: Final = "meter_readings"
MARKS: Final = ("minted", "mint_tx_signature", "mint_timestamp")
"""Columns of `meter_readings` that follow from the chain; `updated_at` is the later of receipt and `mint_timestamp`."""

PRIMARY: Final[Mapping[str, str]] = {
    "users": "who takes part: written when a meter is bound",
    "meters": "what intake accepted, counts and owes answers for; the chain holds a copy of the binding alone",
    "device_keys": "which key signed when",
    "broker_credentials": "passwords, which no chain may hold",
    READINGS: "what devices signed, and the verdicts: all columns but MARKS",
    "reading_numbers": "which numbers were stored once",
    "refusals": "frames that could not become a reading",
    "sequence_conflicts": "evidence against a device",
    "settlement_work": "what the bridge still owes a meter, with its attempts",
    "outbox": "what the bridge signed and sent, landed or not",
    "outbox_items": "and for which meters",
    "lookup_tables": "which tables the bridge planned before the chain knew them; what they contain it reads from the chain",
    "lookup_table_meters": "in which of them the bridge puts a meter",
    "bridge_duties": "which bridge does what at the moment",
    "audit_log": "who did what",
}
