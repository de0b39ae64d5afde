"""What a database holds, as numbers that can be compared: rows and a checksum per table, sequences, large objects.

Needs SELECT on every table (pg_read_all_data), and no row-level security in the way.
Equal fingerprints prove equal data. Unequal checksums prove a difference only when both were taken the same way:
record hashes may differ between PostgreSQL's major versions and machine architectures.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, Literal

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.databases import observe_server
from bot.systems.outcomes import SystemFailed
from bot.systems.postgres import Connection, connect

Method = Literal["record", "text"]

# Types whose hash depends on the value alone. An enum's or regclass's depends on object ids, which a restore changes;
# json, xml and point have none; those tables are hashed by their rows' text.
HASHABLE_TYPES = (
    "bool bytea char name int8 int2 int4 text oid float4 float8 bpchar varchar date time timestamp timestamptz "
    "interval timetz numeric uuid jsonb inet cidr macaddr macaddr8"
).split()

# Whatever decides how a value looks as text is fixed, so that two servers write the same.
TEXT_SETTINGS = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
    "row_security": "off",
    "search_path": "pg_catalog",
}

LIST_TABLES = """
    SELECT n.nspname, c.relname,
           coalesce(bool_and(t.typname = ANY(%(hashable)s)
                             OR (t.typcategory = 'A' AND e.typname = ANY(%(hashable)s))), true)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type e ON e.oid = t.typelem
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                              AND d.deptype = 'e')
    GROUP BY c.oid, n.nspname, c.relname
    ORDER BY pg_table_size(c.oid) DESC, 1, 2
"""

LIST_SEQUENCES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
    ORDER BY 1, 2
"""


class TableFingerprint(BaseModel):
    """Rows of one table and their checksum: xor and sum of a 64-bit hash per row, so that order does not count."""

    model_config = ConfigDict(frozen=True)
    rows: int
    checksum: str | None = None
    method: Method | None = None


class SequenceState(BaseModel):
    """Where a sequence stands. Sequences move outside transactions, so a range is kept: before and after a dump."""

    model_config = ConfigDict(frozen=True)
    last_value: int
    is_called: bool
    last_value_after: int | None = None


class LargeObjects(BaseModel):
    """All large objects of a database: how many, their bytes, their checksum."""

    model_config = ConfigDict(frozen=True)
    count: int
    size_bytes: int
    checksum: str | None = None


class Fingerprint(BaseModel):
    """What one database held at one moment. Names are `schema.table` with SQL's quotes where SQL needs them."""

    model_config = ConfigDict(frozen=True)
    server_major: int
    machine: str
    tables: dict[str, TableFingerprint]
    sequences: dict[str, SequenceState]
    large_objects: LargeObjects

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(table.rows for table in self.tables.values())


class Difference(BaseModel):
    """One thing that is not as it should be, in words. `inconclusive` ones could not be compared exactly."""

    model_config = ConfigDict(frozen=True)
    name: str
    expected: str
    found: str
    inconclusive: bool = False

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, found {self.found}"


class FingerprintFailed(SystemFailed):
    """The content could not be read in full, so nothing is proven."""


def take_fingerprint(
    url: str,
    *,
    snapshot: str | None = None,
    like: Fingerprint | None = None,
    portable: bool = False,
    connections: int = 2,
    check: Callable[[], None] = lambda: None,
) -> Fingerprint:
    """Read every table once, several at a time, and return what the database holds.

    `snapshot` is one exported by pg_export_snapshot() and still held; without it, each connection sees its own moment,
    which is exact only where nobody writes. `like` makes tables comparable with an earlier fingerprint by hashing them
    the same way; `portable` hashes by text everywhere, for comparing across versions. `check` is called between tables
    and may raise. Raises FingerprintFailed.
    """
    try:
        with _reading(url, snapshot) as connection:
            server = observe_server(connection)
            methods = _choose_methods(connection, like, portable=portable)
            sequences = _read_sequences(connection)
            large_objects = _read_large_objects(connection)
            tables = _read_tables(url, snapshot, methods, connections, check, connection)
    except psycopg.Error as error:
        raise FingerprintFailed(f"The content could not be read in full: {error}") from error
    return Fingerprint(
        server_major=server.major,
        machine=server.machine,
        tables=tables,
        sequences=sequences,
        large_objects=large_objects,
    )


def count_rows(url: str, *, statement_timeout_s: float = 10) -> dict[str, TableFingerprint]:
    """Exact rows of every table, largest last, with no checksum. For a look, not a proof.

    Raises FingerprintFailed where a table takes longer than `statement_timeout_s` or cannot be read.
    """
    try:
        with connect(url, purpose="count rows", statement_timeout_s=statement_timeout_s) as connection:
            connection.execute("SET default_transaction_read_only = on")
            tables = list(_choose_methods(connection, None, portable=False))
            return {
                name: TableFingerprint(rows=_read_number(connection, name, "SELECT count(*) FROM ONLY {}"))
                for name in reversed(tables)
            }
    except psycopg.Error as error:
        raise FingerprintFailed(f"The rows could not be counted: {error}") from error


def read_sequences(url: str) -> dict[str, SequenceState]:
    """Where every sequence stands now."""
    with connect(url, purpose="read sequences") as connection:
        return _read_sequences(connection)
