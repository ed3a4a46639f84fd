"""Readings by month on PostgreSQL, numbers in a table of their own, leases on transactions and duties.

PostgreSQL cannot hold a unique constraint across partitions unless it contains the partition key, so each number's one row is
guaranteed by `reading_numbers`: a trigger of `meter_readings` takes the number in the same statement, whoever inserts.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from core.store.months import month_of
from core.store.tables.types import METER_ID

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TAKE_ON_POSTGRESQL: Final = """
CREATE FUNCTION take_reading_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reading_numbers (meter_id, sequence) SELECT meter_id, sequence FROM fresh;
    RETURN NULL;
END $$
"""
FIRE_ON_POSTGRESQL: Final = """
CREATE TRIGGER one_row_per_sequence AFTER INSERT ON meter_readings
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION take_reading_numbers()
"""
TAKE_ON_SQLITE: Final = """
CREATE TRIGGER one_row_per_sequence AFTER INSERT ON meter_readings
BEGIN
    INSERT INTO reading_numbers (meter_id, sequence) VALUES (NEW.meter_id, NEW.sequence);
END
"""
INDEXES: Final = {
    "ix_readings_meter_sequence": ["meter_id", "sequence"],
    "ix_readings_unminted": ["minted", "verification_status", "meter_id", "sequence"],
    "ix_readings_user_time": ["user_id", "reading_timestamp"],
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "reading_numbers",
        sa.Column("meter_id", METER_ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meter_id", "sequence"),
    )
    op.execute("INSERT INTO reading_numbers (meter_id, sequence) SELECT meter_id, sequence FROM meter_readings")
    if op.get_bind().dialect.name == "postgresql":
        _partition()
    else:
        _guard_on_sqlite()
    _lease()


def _lease() -> None:
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("lease_until_ms", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("lease_until_ms", server_default=None)
    op.create_table(
        "bridge_duties",
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _guard_on_sqlite() -> None:
    with op.batch_alter_table("meter_readings") as readings:
        readings.drop_constraint("one_row_per_sequence", type_="unique")
        readings.create_index("ix_readings_meter_sequence", INDEXES["ix_readings_meter_sequence"])
    op.execute(TAKE_ON_SQLITE)


def _partition() -> None:
    """Make the table anew in months of receipt, and copy; the month of receipt is ours, no device's clock decides it."""
    op.rename_table("meter_readings", "meter_readings_whole")
    op.execute("CREATE TABLE meter_readings (LIKE meter_readings_whole INCLUDING DEFAULTS) PARTITION BY RANGE (created_at)")
    op.execute("CREATE TABLE meter_readings_rest PARTITION OF meter_readings DEFAULT")
    for row in op.get_bind().execute(sa.text("SELECT DISTINCT created_at / 86400 FROM meter_readings_whole ORDER BY 1")).all():
        month = month_of(row[0] * 86_400)
        op.execute(
            f"CREATE TABLE IF NOT EXISTS meter_readings_{month.name} PARTITION OF meter_readings"
            f" FOR VALUES FROM ({month.start_at}) TO ({month.end_at})"
        )
    op.execute("INSERT INTO meter_readings SELECT * FROM meter_readings_whole")
    op.execute("ALTER SEQUENCE meter_readings_id_seq OWNED BY meter_readings.id")
    op.drop_table("meter_readings_whole")
    op.create_primary_key("meter_readings_pkey", "meter_readings", ["id", "created_at"])
    op.create_foreign_key(None, "meter_readings", "meters", ["meter_id"], ["meter_id"])
    op.create_foreign_key(None, "meter_readings", "users", ["user_id"], ["id"])
    for name, columns in INDEXES.items():
        op.create_index(name, "meter_readings", columns)
    op.execute(TAKE_ON_POSTGRESQL)
    op.execute(FIRE_ON_POSTGRESQL)


def downgrade() -> None:
    """Undo; readings that a retention let go stay gone."""
    op.drop_table("bridge_duties")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("lease_until_ms")
    if op.get_bind().dialect.name == "postgresql":
        _make_whole()
    else:
        op.execute("DROP TRIGGER one_row_per_sequence")
        with op.batch_alter_table("meter_readings") as readings:
            readings.drop_index("ix_readings_meter_sequence")
            readings.create_unique_constraint("one_row_per_sequence", ["meter_id", "sequence"])
    op.drop_table("reading_numbers")


def _make_whole() -> None:
    op.rename_table("meter_readings", "meter_readings_parts")
    op.execute("CREATE TABLE meter_readings (LIKE meter_readings_parts INCLUDING DEFAULTS)")
    op.execute("INSERT INTO meter_readings SELECT * FROM meter_readings_parts")
    op.execute("ALTER SEQUENCE meter_readings_id_seq OWNED BY meter_readings.id")
    op.drop_table("meter_readings_parts")
    op.execute("DROP FUNCTION take_reading_numbers()")
    op.create_primary_key("meter_readings_pkey", "meter_readings", ["id"])
    op.create_foreign_key(None, "meter_readings", "meters", ["meter_id"], ["meter_id"])
    op.create_foreign_key(None, "meter_readings", "users", ["user_id"], ["id"])
    op.create_unique_constraint("one_row_per_sequence", "meter_readings", ["meter_id", "sequence"])
    for name in ("ix_readings_unminted", "ix_readings_user_time"):
        op.create_index(name, "meter_readings", INDEXES[name])
