"""Bringing the store to today's schema: at every start, by one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bot.store.database import MIGRATION_LOCK, Database

LOCK_TIMEOUT_S = 60


def migrate(database: Database) -> None:
    """Apply what is missing; safe to call from several processes at once. Afterwards the schema is current.

    All of it or nothing, whenever this process dies. pysqlite by itself commits each change to the schema.
    """
    with hold_migration_lock(database), database.engine.begin() as connection:
        begin = "BEGIN IMMEDIATE" if database.is_sqlite else f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"
        connection.exec_driver_sql(begin)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def hold_migration_lock(database: Database) -> Iterator[None]:
    """Only one process past this point: an advisory lock on PostgreSQL, a lock file beside SQLite.

    On PostgreSQL a lock may outlive the machine that took it: whoever waits too long gets an OperationalError.
    """
    if database.file is not None:
        with open(f"{database.file}.migrate", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    # Outside a transaction: an open one would keep CREATE INDEX CONCURRENTLY waiting for ever.
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
        connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATION_LOCK)))
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATION_LOCK)))
            connection.exec_driver_sql("RESET lock_timeout")
