"""Alembic's entry: run the revisions on the connection handed over by `upgrade`."""

from alembic import context

import core.store.tables.registered as tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.METADATA,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
