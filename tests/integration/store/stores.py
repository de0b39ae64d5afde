"""Stores for tests: SQLite in a folder, PostgreSQL in a database of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.sandbox.postgres_cluster import Cluster
from bot.store.database import Database
from bot.store.ledger import GENESIS
from bot.store.migrate import migrate
from bot.store.tables import LedgerHead, Table

KINDS = ("sqlite", "postgresql")


@contextmanager
def fresh_url(kind: str, folder: Path, cluster: Cluster) -> Iterator[str]:
    """The URL of an empty store; gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'holdfast.db'}"
        return
    name = f"store_{secrets.token_hex(4)}"
    cluster.create_database(name)
    try:
        yield cluster.url(name)
    finally:
        cluster.drop_database(name)


@contextmanager
def open_store(url: str) -> Iterator[Database]:
    """A migrated store, closed afterwards."""
    database = Database(url)
    migrate(database)
    try:
        yield database
    finally:
        database.close()


def empty_store(database: Database) -> None:
    """As after the migrations, in a hundredth of their time."""
    with database.engine.begin() as connection:
        for table in reversed(Table.metadata.sorted_tables):
            connection.execute(table.delete())
        if database.is_sqlite:
            connection.execute(sa.text("DELETE FROM sqlite_sequence"))
        else:
            for table in Table.metadata.sorted_tables:
                if "id" in table.columns and table.name != "ledger_head":
                    connection.execute(sa.text(f"ALTER SEQUENCE {table.name}_id_seq RESTART"))
        connection.execute(sa.insert(LedgerHead).values(id=1, seq=0, hash=GENESIS))
