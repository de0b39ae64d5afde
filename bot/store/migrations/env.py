"""Alembic's entry: runs on the connection that `bot.store.migrate` hands over, and on no other."""

from __future__ import annotations

from alembic import context

from bot.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table="holdfast_version",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
