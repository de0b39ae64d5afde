"""Fresh stores for tests: SQLite in a folder, PostgreSQL in a database of its own on the stage's server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.sandbox.postgres_cluster import Cluster
from bot.store.database import Database
from bot.store.migrate import migrate

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
