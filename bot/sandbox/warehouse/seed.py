"""Fill an empty database with the warehouse's schema and plausible rows, all made by the server itself."""

from __future__ import annotations

from importlib.resources import files

import psycopg
from psycopg import sql

from bot.sandbox.warehouse.passwords import hash_password

TEST_USERNAME, TEST_PASSWORD = "testuser", "testpass"  # the source document's, for its login check
DEFAULT_BAGS = 50_000


def seed(database_url: str, bags: int = DEFAULT_BAGS) -> None:
    """Create tables, rows and constraints in one transaction: clients see nothing or everything.

    Every bag gets four scans, every 25 bags a bill. Raises psycopg.Error; ValueError without any bag.
    """
    if bags < 1:
        raise ValueError(f"a warehouse needs at least one bag, not {bags}")
    values = {"bags": bags, "password_hash": hash_password(TEST_PASSWORD)}
    with psycopg.connect(database_url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_script("tables.sql"))
        connection.execute(_script("rows.sql"), values)
        connection.execute(_script("constraints.sql"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _script(name: str) -> sql.SQL:
    return sql.SQL(files("bot.sandbox.warehouse").joinpath(name).read_text(encoding="utf-8"))
