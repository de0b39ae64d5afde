"""Stores for tests: SQLite in a folder, PostgreSQL in a database of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from bot.engine import Engine
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
    if database.file is not None:
        lay_down(database.file)
    migrate(database)
    try:
        yield database
    finally:
        database.close()


def lay_down(file: Path, *, engine: bool = False) -> None:
    """What the migrations make, where there is no store yet: a copy takes a tenth of their time.

    `engine`: with the engine's tables too.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated(engine))


@cache
def _migrated(engine: bool) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "holdfast.db"
        database = Database(f"sqlite:///{file}")
        migrate(database)
        if engine:
            Engine(database).stop()
        database.close()  # the last to close it writes everything into the one file
        return file.read_bytes()


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
