"""The first tables."""

import sqlalchemy as sa
from alembic import op

from core.store.tables.types import METER_ID, ROW_ID, ExactKwh

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_log",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "chain_cursors",
        sa.Column("program", sa.String(length=16), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program"),
    )
    op.create_table(
        "chain_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False),
        sa.Column("event_index", sa.Integer(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=True),
        sa.Column("program", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("signature", "event_index", name="one_row_per_event"),
    )
    op.create_index("ix_chain_events_name", "chain_events", ["name"], unique=False)
    op.create_index("ix_chain_events_slot", "chain_events", ["slot"], unique=False)
    op.create_table(
        "ledger_standings",
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("correction_net_wh", sa.BigInteger(), nullable=False),
        sa.Column("through_sequence", sa.BigInteger(), nullable=False),
        sa.Column("through_entry", sa.BigInteger(), nullable=False),
        sa.Column("through_signature", sa.String(length=88), nullable=False),
        sa.Column("through_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meter_id"),
    )
    op.create_table(
        "ledgers",
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.Column("credited_generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("credited_consumption_wh", sa.BigInteger(), nullable=False),
        sa.Column("settled_net_wh", sa.BigInteger(), nullable=False),
        sa.Column("minted_wh", sa.BigInteger(), nullable=False),
        sa.Column("burned_wh", sa.BigInteger(), nullable=False),
        sa.Column("updated_slot", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meter_id"),
    )
    op.create_table(
        "lookup_tables",
        sa.Column("address", sa.String(length=44), nullable=False),
        sa.Column("authority", sa.String(length=44), nullable=False),
        sa.Column("recent_slot", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_index("ix_lookup_tables_authority", "lookup_tables", ["authority"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("salt", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.String(length=44), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=True),
        sa.Column("wire", sa.LargeBinary(), nullable=True),
        sa.Column("last_valid_block_height", sa.BigInteger(), nullable=True),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("compute_units", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("signature"),
    )
    op.create_index("ix_outbox_status", "outbox", ["status"], unique=False)
    op.create_table(
        "refusals",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("claimed_meter_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("payload_sha256", "reason", "claimed_meter_id", name="one_row_per_refused_content"),
    )
    op.create_index("ix_refusals_last_at", "refusals", ["last_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("wallet_address", sa.String(length=44), nullable=False),
        sa.Column("token_account", sa.String(length=44), nullable=False),
        sa.Column("zone", sa.Integer(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("wallet_address"),
    )
    op.create_table(
        "meters",
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("legacy_id", sa.String(length=128), nullable=True),
        sa.Column("fleet", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("wallet_address", sa.String(length=44), nullable=False),
        sa.Column("token_account", sa.String(length=44), nullable=False),
        sa.Column("asset_kind", sa.Integer(), nullable=False),
        sa.Column("statement_kind", sa.Integer(), nullable=False),
        sa.Column("proof_kind", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Integer(), nullable=False),
        sa.Column("rated_power_out_w", sa.BigInteger(), nullable=False),
        sa.Column("rated_power_in_w", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("status_reason", sa.String(length=200), nullable=True),
        sa.Column("base_sequence", sa.BigInteger(), nullable=False),
        sa.Column("base_measured_at", sa.BigInteger(), nullable=False),
        sa.Column("base_generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("base_consumption_wh", sa.BigInteger(), nullable=False),
        sa.Column("highest_sequence", sa.BigInteger(), nullable=False),
        sa.Column("contiguous_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_measured_at", sa.BigInteger(), nullable=False),
        sa.Column("last_generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("last_consumption_wh", sa.BigInteger(), nullable=False),
        sa.Column("credited_generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("credited_consumption_wh", sa.BigInteger(), nullable=False),
        sa.Column("accepted_count", sa.BigInteger(), nullable=False),
        sa.Column("budget_generation_ws", sa.BigInteger(), nullable=False),
        sa.Column("budget_consumption_ws", sa.BigInteger(), nullable=False),
        sa.Column("budget_at", sa.BigInteger(), nullable=False),
        sa.Column("held_from_sequence", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("meter_id"),
        sa.UniqueConstraint("legacy_id"),
    )
    op.create_index("ix_meters_status", "meters", ["status"], unique=False)
    op.create_index("ix_meters_user_id", "meters", ["user_id"], unique=False)
    op.create_table(
        "outbox_items",
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("consumption_wh", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outbox_id"],
            ["outbox.id"],
        ),
        sa.PrimaryKeyConstraint("outbox_id", "meter_id"),
    )
    op.create_index("ix_outbox_items_meter_id", "outbox_items", ["meter_id"], unique=False)
    op.create_table(
        "broker_credentials",
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("fleet", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"],
            ["meters.meter_id"],
        ),
        sa.PrimaryKeyConstraint("username"),
        sa.UniqueConstraint("meter_id"),
    )
    op.create_table(
        "device_keys",
        sa.Column("public_key", sa.String(length=44), nullable=False),
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["meter_id"],
            ["meters.meter_id"],
        ),
        sa.PrimaryKeyConstraint("public_key"),
    )
    op.create_index("ix_device_keys_meter_id", "device_keys", ["meter_id"], unique=False)
    op.create_table(
        "lookup_table_meters",
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("address", sa.String(length=44), nullable=False),
        sa.ForeignKeyConstraint(
            ["address"],
            ["lookup_tables.address"],
        ),
        sa.ForeignKeyConstraint(
            ["meter_id"],
            ["meters.meter_id"],
        ),
        sa.PrimaryKeyConstraint("meter_id"),
    )
    op.create_index("ix_lookup_table_meters_address", "lookup_table_meters", ["address"], unique=False)
    op.create_table(
        "meter_readings",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("wallet_address", sa.String(length=44), nullable=False),
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("statement_kind", sa.Integer(), nullable=False),
        sa.Column("kwh_amount", ExactKwh(), nullable=False),
        sa.Column("energy_generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("energy_consumption_wh", sa.BigInteger(), nullable=False),
        sa.Column("stated_generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("stated_consumption_wh", sa.BigInteger(), nullable=False),
        sa.Column("reading_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("meter_signature", sa.String(length=88), nullable=False),
        sa.Column("public_key", sa.String(length=44), nullable=False),
        sa.Column("verification_status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=True),
        sa.Column("ordinal", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("extras", sa.String(), nullable=True),
        sa.Column("minted", sa.Boolean(), nullable=False),
        sa.Column("mint_tx_signature", sa.String(length=88), nullable=True),
        sa.Column("mint_timestamp", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"],
            ["meters.meter_id"],
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("meter_id", "sequence", name="one_row_per_sequence"),
    )
    op.create_index(
        "ix_readings_unminted", "meter_readings", ["minted", "verification_status", "meter_id", "sequence"], unique=False
    )
    op.create_index("ix_readings_user_time", "meter_readings", ["user_id", "reading_timestamp"], unique=False)
    op.create_table(
        "sequence_conflicts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("first_statement", sa.LargeBinary(), nullable=False),
        sa.Column("first_signature", sa.String(length=88), nullable=False),
        sa.Column("second_statement", sa.LargeBinary(), nullable=False),
        sa.Column("second_signature", sa.String(length=88), nullable=False),
        sa.Column("detected_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"],
            ["meters.meter_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sequence_conflicts_meter_id", "sequence_conflicts", ["meter_id"], unique=False)
    op.create_table(
        "settlement_work",
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("target_sequence", sa.BigInteger(), nullable=False),
        sa.Column("target_ordinal", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"],
            ["meters.meter_id"],
        ),
        sa.PrimaryKeyConstraint("meter_id"),
    )
    op.create_index("ix_settlement_work_state", "settlement_work", ["state"], unique=False)


def downgrade() -> None:
    """Undo."""
    for table in (
        "settlement_work",
        "sequence_conflicts",
        "meter_readings",
        "lookup_table_meters",
        "device_keys",
        "broker_credentials",
        "outbox_items",
        "meters",
        "users",
        "refusals",
        "outbox",
        "lookup_tables",
        "ledgers",
        "ledger_standings",
        "chain_events",
        "chain_cursors",
        "audit_log",
    ):
        op.drop_table(table)
