"""What a database holds, as numbers that can be compared: rows and a checksum per table, sequences, large objects.

Needs SELECT on every table (pg_read_all_data), and no row-level security in the way.
Equal fingerprints prove equal data. Unequal checksums prove a difference only when both were taken the same way:
record hashes may differ between PostgreSQL's major versions and machine architectures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.connection_limits import find_tightest
from bot.systems.databases import observe_server
from bot.systems.outcomes import SystemFailed
from bot.systems.postgres import Connection, connect
from bot.systems.row_values import explain
from bot.systems.table_hashes import Method, TableFingerprint, count_table, hash_tables, list_tables, reading

Part = TypeVar("Part", int, TableFingerprint)

LIST_SEQUENCES = """
    SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
    ORDER BY 1
"""


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

    @property
    def trees(self) -> dict[str, str]:
        """Of each partition whose rows may lie in another one after a restore, the table that stands for all."""
        return {name: table.tree for name, table in self.tables.items() if table.tree is not None}

    @property
    def counts(self) -> dict[str, int]:
        """Rows by name, of partitions that may exchange rows by the name of the table above; as `count_rows` does."""
        return _fold({name: table.rows for name, table in self.tables.items()}, self.trees)


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
    """Read every table once, by so many `connections` at a time as there are free, and return what the database holds.

    `snapshot` is one exported by pg_export_snapshot() and still held; without it one is taken here. `like` makes
    tables comparable with an earlier fingerprint by hashing them the same way; `portable` hashes by text everywhere,
    for comparing across versions. `check` is called five times a second and may raise, which stops the reading.
    Raises FingerprintFailed.
    """
    try:
        with reading(url, snapshot) as (connection, held):
            server = observe_server(connection)
            sequences, large_objects = _read_sequences(connection), _read_large_objects(connection)
            tables = list_tables(connection, _recall_methods(like), portable=portable)
            counted = hash_tables(url, held, tables, _limit(connection, connections), check)
    except psycopg.Error as error:
        raise FingerprintFailed(f"The content could not be read in full: {_explain_unread(error)}") from error
    return Fingerprint(
        server_major=server.major,
        machine=server.machine,
        tables=dict(sorted(counted.items())),
        sequences=sequences,
        large_objects=large_objects,
    )


def count_rows(
    url: str,
    *,
    trees: Mapping[str, str] | None = None,
    statement_timeout_s: float = 10,
    lock_timeout_s: float | None = None,
) -> dict[str, int]:
    """Exact rows of every table, without checksums: for a look, not for a proof.

    Partitions that may exchange rows are counted as one, by the name of the table above them: those of `trees`, a
    Fingerprint's, whose `counts` are to be compared, by default those that the database has.
    Raises FingerprintFailed where one table takes longer than `statement_timeout_s` or cannot be read.
    """
    try:
        with connect(
            url, purpose="count rows", statement_timeout_s=statement_timeout_s, lock_timeout_s=lock_timeout_s
        ) as connection:
            connection.execute("SET default_transaction_read_only = on")
            tables = list_tables(connection, {}, portable=False)
            counts = {table.name: count_table(connection, table) for table in sorted(tables)}
    except psycopg.Error as error:
        raise FingerprintFailed(f"The rows could not be counted: {explain(error)}") from error
    return _fold(counts, {table.name: table.tree for table in tables if table.tree} if trees is None else trees)


def read_sequences(url: str) -> dict[str, SequenceState]:
    """Where every sequence stands now."""
    with connect(url, purpose="read sequences") as connection:
        return _read_sequences(connection)


def compare_fingerprints(expected: Fingerprint, found: Fingerprint) -> list[Difference]:
    """What of `expected` is not in `found`, or more than it: missing, added and changed things, in words."""
    same_hash = (expected.server_major, expected.machine) == (found.server_major, found.machine)
    trees = expected.trees | found.trees
    return [
        *_compare_tables(_fold(expected.tables, trees), _fold(found.tables, trees), same_hash=same_hash),
        *_compare_sequences(expected.sequences, found.sequences),
        *_compare_large_objects(expected.large_objects, found.large_objects),
    ]


def _explain_unread(error: psycopg.Error) -> str:
    """PostgreSQL looks at the functions of a table's indexes before it reads the table."""
    if not isinstance(error, (psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedTable)):
        return explain(error)
    where = (error.diag.context or "").partition("\n")[0]
    return (
        f"{explain(error)} ({where}). An index has a function that names it without its schema, as no dump can be "
        "restored either: ALTER FUNCTION … SET search_path = … for that function."
    )


def _limit(connection: Connection, wanted: int) -> int:
    return max(1, min(wanted, find_tightest(connection).free))


def _fold(parts: Mapping[str, Part], trees: Mapping[str, str]) -> dict[str, Part]:
    """Those of one tree added up under its name, the others as they are."""
    folded: dict[str, Part] = {}
    for name, part in parts.items():
        whole = trees.get(name, name)
        folded[whole] = folded[whole] + part if whole in folded else part
    return folded


def _recall_methods(like: Fingerprint | None) -> dict[str, Method]:
    tables = {} if like is None else like.tables
    return {name: table.method for name, table in tables.items() if table.method is not None}


def _read_sequences(connection: Connection) -> dict[str, SequenceState]:
    names = connection.execute(LIST_SEQUENCES).fetchall()
    if not names:
        return {}
    each = sql.SQL("SELECT {}, last_value, is_called FROM {}")
    query = sql.SQL(" UNION ALL ").join(
        each.format(sql.Literal(name), sql.Identifier(schema, sequence)) for name, schema, sequence in names
    )
    rows = connection.execute(query).fetchall()
    return {name: SequenceState(last_value=value, is_called=called) for name, value, called in rows}


def _read_large_objects(connection: Connection) -> LargeObjects:
    # Through lo_get, for the catalog that holds the bytes is the superuser's.
    row = connection.execute(
        """
        SELECT count(*), coalesce(sum(length(content)), 0),
               coalesce(bit_xor(hashtextextended(oid::text || sha256(content)::text, 0)), 0)
        FROM (SELECT oid, lo_get(oid) AS content FROM pg_largeobject_metadata) AS objects
        """
    ).fetchone()
    assert row is not None  # an aggregate has one row
    count, size_bytes, xor = row
    return LargeObjects(count=count, size_bytes=size_bytes, checksum=f"{xor & 0xFFFF_FFFF_FFFF_FFFF:016x}")


def _compare_tables(
    expected: dict[str, TableFingerprint], found: dict[str, TableFingerprint], *, same_hash: bool
) -> Iterator[Difference]:
    for name in sorted(expected.keys() | found.keys()):
        was, now = expected.get(name), found.get(name)
        if was is None or now is None:
            yield Difference(name=name, expected=_describe_table(was), found=_describe_table(now))
        elif was.rows != now.rows:
            yield Difference(name=name, expected=f"{was.rows:,} rows", found=f"{now.rows:,} rows")
        elif was.checksum != now.checksum and was.rows:
            exact = was.method == now.method and (same_hash or was.method == "text")
            yield Difference(
                name=name,
                expected=f"{was.rows:,} rows with checksum {was.checksum}",
                found=f"as many rows with checksum {now.checksum}"
                + ("" if exact else ", hashed in a way that cannot be compared"),
                inconclusive=not exact,
            )


def _describe_table(table: TableFingerprint | None) -> str:
    return "no such table" if table is None else f"a table with {table.rows:,} rows"


def _compare_sequences(expected: dict[str, SequenceState], found: dict[str, SequenceState]) -> Iterator[Difference]:
    for name in sorted(expected.keys() | found.keys()):
        was, now = expected.get(name), found.get(name)
        if was is None or now is None:
            yield Difference(name=name, expected=_describe_sequence(was), found=_describe_sequence(now))
            continue
        after = was.last_value if was.last_value_after is None else was.last_value_after
        low, high = sorted((was.last_value, after))
        moved = was.last_value_after not in (None, was.last_value)
        if not low <= now.last_value <= high or (not moved and was.is_called != now.is_called):
            between = f" to {high:,}" if moved else ""
            yield Difference(name=name, expected=f"{low:,}{between}", found=_describe_sequence(now))


def _describe_sequence(sequence: SequenceState | None) -> str:
    if sequence is None:
        return "no such sequence"
    return f"{sequence.last_value:,} ({'used' if sequence.is_called else 'not used yet'})"


def _compare_large_objects(expected: LargeObjects, found: LargeObjects) -> Iterator[Difference]:
    if expected != found:
        yield Difference(
            name="large objects",
            expected=f"{expected.count:,} of {expected.size_bytes:,} bytes, {expected.checksum}",
            found=f"{found.count:,} of {found.size_bytes:,} bytes, {found.checksum}",
        )
