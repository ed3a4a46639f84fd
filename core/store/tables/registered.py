"""Every table, imported once, so that the metadata is whole."""

from sqlmodel import SQLModel

from core.store.tables import audit, chain, duties, ledger_standings, lookup_tables, meters, readings, settlement, users

TABLES = (
    users.UserRow,
    meters.MeterRow,
    meters.DeviceKeyRow,
    meters.BrokerCredentialRow,
    readings.MeterReadingRow,
    readings.ReadingNumberRow,
    readings.RefusalRow,
    readings.ConflictRow,
    settlement.SettlementWorkRow,
    settlement.OutboxRow,
    settlement.OutboxItemRow,
    chain.ChainEventRow,
    chain.ChainCursorRow,
    chain.LedgerRow,
    ledger_standings.LedgerStandingRow,
    lookup_tables.LookupTableRow,
    lookup_tables.LookupTableMeterRow,
    duties.DutyRow,
    audit.AuditLogRow,
)
METADATA = SQLModel.metadata
