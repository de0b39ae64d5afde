"""Rows of tables and checksums of them, read by several connections in one snapshot."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Literal, NamedTuple

from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.postgres import LIFT_TIME_LIMITS, Connection, connect

Method = Literal["values", "columns", "text", "record"]
LOOK_EVERY_S = 0.2
# Whoever holds a table this long is changing it, and what we read would not be what is there.
LOCK_TIMEOUT_S = 30
# A large table is read in ranges of so many pages (64 MB), which the connections share.
RANGE_PAGES = 8192

# Types whose hash depends on the value alone. An enum's or regclass's depends on object ids, which a restore changes;
# json, xml and point have none; a collation may call different texts equal. Such columns are hashed by their text.
HASHABLE_TYPES = [
    "bool",
    "bytea",
    "char",
    "name",
    "int8",
    "int2",
    "int4",
    "text",
    "oid",
    "float4",
    "float8",
    "bpchar",
    "varchar",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "timetz",
    "numeric",
    "uuid",
    "jsonb",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
]

# Those of them that are frequent, hashed without the detour over a record. As a value, a bigint would be folded to 32
# bits first, and 1 be the same as 2 ** 32; as a seed it is not.
VALUE_HASHES = {
    "int2": "hashint2extended({column}, {seed})",
    "int4": "hashint4extended({column}, {seed})",
    "int8": "hashint4extended({seed}, {column})",
    "float8": "hashfloat8extended({column}, {seed})",
    "numeric": "hash_numeric_extended({column}, {seed})",
    "text": 'hashtextextended({column} COLLATE "C", {seed})',
    "varchar": 'hashtextextended({column} COLLATE "C", {seed})',
    "timestamp": "timestamp_hash_extended({column}, {seed})",
    "timestamptz": "timestamp_hash_extended({column}::timestamp, {seed})",
    "uuid": "uuid_hash_extended({column}, {seed})",
    "jsonb": "jsonb_hash_extended({column}, {seed})",
}
RECORD_HASH = "hash_record_extended(ROW({column}), {seed})"
TEXT_HASH = 'hashtextextended({column}::text COLLATE "C", {seed})'

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

# Our connections already share the ranges; the server's own helpers, and code compiled for one range, only cost more.
PLAN_SETTINGS = {"max_parallel_workers_per_gather": "0", "jit": "off"}

# The topmost table above one whose partitions are chosen by a hash that a restore may change. A value of a column's
# type, or one within it, is hashed by an object id there, and a row may lie in another partition afterwards.
FIND_TREE = """
    SELECT above.oid FROM pg_partition_ancestors(c.oid) WITH ORDINALITY AS above (oid, height)
    JOIN pg_partitioned_table p ON p.partrelid = above.oid AND p.partstrat = 'h'
    JOIN pg_opclass o ON o.oid = ANY(p.partclass)
    WHERE format_type(o.opcintype, NULL)
          = ANY(ARRAY['anyenum', 'anyarray', 'anyrange', 'anymultirange', 'record', 'oid'])
    ORDER BY above.height DESC LIMIT 1
"""

# The columns of partitions that may exchange rows come in the order of the table above them, so that a row has the same
# hash in each.
LIST_TABLES = f"""
    SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname, c.relname, c.relpages,
           coalesce(array_agg(a.attname ORDER BY o.place) FILTER (WHERE h.hashable), '{{}}'),
           coalesce(array_agg(t.typname ORDER BY o.place) FILTER (WHERE h.hashable), '{{}}'),
           coalesce(array_agg(a.attname ORDER BY o.place) FILTER (WHERE NOT h.hashable), '{{}}'),
           coalesce(array_agg(a.attname ORDER BY o.place) FILTER (WHERE a.attname IS NOT NULL), '{{}}'),
           (SELECT format('%%I.%%I', rn.nspname, r.relname)
            FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = tree.oid)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN LATERAL ({FIND_TREE}) AS tree ON c.relispartition
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attribute up ON up.attrelid = tree.oid AND up.attname = a.attname AND up.attnum > 0
    CROSS JOIN LATERAL (SELECT coalesce(up.attnum, a.attnum)) AS o (place)
    LEFT JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type e ON e.oid = t.typelem
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    CROSS JOIN LATERAL (
        SELECT t.oid < 16384 AND coalesce(l.collisdeterministic, true)
               AND (t.typname = ANY(%(hashable)s) OR (t.typcategory = 'A' AND e.typname = ANY(%(hashable)s)))
    ) AS h (hashable)
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                              AND d.deptype = 'e')
    GROUP BY c.oid, n.nspname, c.relname, tree.oid
    ORDER BY c.relpages DESC, 1
"""  # noqa: S608 (made of constants of this file)

# Every column is hashed with a seed of its own, and what they make together once more, for the same reason as below. As
# a seed it counts with all its bits.
HASH_VALUES = """
    SELECT count(*), 0::bigint, coalesce(sum(hashint8extended(0, {hashes})), 0)
    FROM ONLY {table} AS t WHERE {within}
"""
# A record's hash is a weighted sum of its columns' hashes: without the second hash, the sum would not see two rows that
# exchanged a value.
HASH_COLUMNS = """
    SELECT count(*), 0::bigint, coalesce(sum(hashint8extended(hash_record_extended(ROW({columns}), 0), 0)), 0)
    FROM ONLY {table} AS t WHERE {within}
"""
# OFFSET 0 keeps the two sums from computing the hash once each. t.* is the whole row even where a column is called t.
HASH_ROWS = """
    SELECT count(*), coalesce(bit_xor(h), 0), coalesce(sum(h), 0)
    FROM (SELECT {hashed} AS h FROM ONLY {table} AS t WHERE {within} OFFSET 0) AS hashes
"""
ROW_HASHES: Mapping[Method, str] = {
    "record": "hash_record_extended(t.*, 0)",
    "text": "hashtextextended((t.*)::text, 0)",
}
HAS_TREES = f"""
    SELECT EXISTS (SELECT FROM pg_class c CROSS JOIN LATERAL ({FIND_TREE}) AS tree WHERE c.relispartition)
"""  # noqa: S608 (made of constants of this file)


class TableFingerprint(BaseModel):
    """Rows of one table and their checksum, which is made of sums over a 64-bit hash per row: order does not count.

    `method` says what is hashed: the `values` of the columns, or the row as `text`, which any version of PostgreSQL
    does alike. `columns` and `record` are how older backups have it. `text` and `record` are xor and sum, the others
    a sum. `tree` is the partitioned table above, where a restore may put a row of this one into another of its
    partitions; then only the sum over all of them can be compared. Older backups do not know it.
    """

    model_config = ConfigDict(frozen=True)
    rows: int
    checksum: str | None = None
    method: Method | None = None
    tree: str | None = None

    def __add__(self, other: TableFingerprint) -> TableFingerprint:
        """Both together, as one table; of no method where they were hashed in different ways."""
        rows = self.rows + other.rows
        if self.method is None or self.method != other.method:
            return TableFingerprint(rows=rows)
        sums = (_read_checksum(self), _read_checksum(other))
        xor, total = sums[0].xor ^ sums[1].xor, sums[0].total + sums[1].total
        return TableFingerprint(rows=rows, checksum=_write_checksum(self.method, xor, total), method=self.method)


class Table(NamedTuple):
    """One table: its name as SQL writes it, its parts, how its rows are hashed, and its pages as last counted.

    `values` are the columns that can be hashed as they are, of the `types`; `texts` are the others. `tree` is as in
    TableFingerprint; then all `columns` are in the order of that table.
    """

    name: str
    schema: str
    table: str
    method: Method
    pages: int
    values: tuple[str, ...]
    types: tuple[str, ...]
    texts: tuple[str, ...]
    columns: tuple[str, ...]
    tree: str | None


class _Range(NamedTuple):
    """Pages of one table, from the first up to but without the last; None is the end, wherever that is by now."""

    table: Table
    first: int
    last: int | None


class _Sums(NamedTuple):
    rows: int = 0
    xor: int = 0
    total: int = 0


@contextmanager
def reading(url: str, snapshot: str | None) -> Iterator[tuple[Connection, str]]:
    """A connection inside a read-only transaction on a snapshot, and that snapshot's name."""
    with connect(url, purpose="fingerprint", lock_timeout_s=LOCK_TIMEOUT_S) as connection:
        connection.execute(LIFT_TIME_LIMITS)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        for setting, value in (TEXT_SETTINGS | PLAN_SETTINGS).items():
            connection.execute("SELECT set_config(%s, %s, true)", (setting, value))
        yield connection, snapshot or export_snapshot(connection)


def export_snapshot(connection: Connection) -> str:
    """The name under which other connections may share this transaction's view for as long as it lasts."""
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None  # a function call has one row
    return str(row[0])


def list_tables(connection: Connection, methods: Mapping[str, Method], *, portable: bool) -> list[Table]:
    """Ordinary tables and partitions, the largest first, hashed as `methods` says and else in the cheapest way."""
    rows = connection.execute(LIST_TABLES, {"hashable": HASHABLE_TYPES}).fetchall()
    own: Method = "text" if portable else "values"
    return [
        Table(
            name, schema, table, methods.get(name, own), pages, tuple(values), tuple(types), tuple(texts),
            tuple(columns), tree,
        )
        for name, schema, table, pages, values, types, texts, columns, tree in rows
    ]  # fmt: skip


def has_trees(connection: Connection) -> bool:
    """Whether a restore may put rows of a partition into another one. Then they must go in through the table above.

    pg_dump knows that of enums alone, not of arrays of them and rows with them.
    """
    return connection.execute(HAS_TREES).fetchone() == (True,)


def hash_tables(
    url: str, snapshot: str, tables: list[Table], connections: int, check: Callable[[], None]
) -> dict[str, TableFingerprint]:
    """Rows and checksum of each table. `check` is called five times a second and may raise, which stops the reading."""
    waiting = deque(part for table in tables for part in _divide(table))
    found: dict[str, list[_Sums]] = {table.name: [] for table in tables}
    busy: list[Connection] = []

    def work() -> None:
        with reading(url, snapshot) as (connection, _):
            busy.append(connection)
            while waiting:
                try:
                    part = waiting.popleft()
                except IndexError:
                    return
                found[part.table.name].append(_hash_range(connection, part))

    with ThreadPoolExecutor(connections, thread_name_prefix="fingerprint") as pool:
        workers = [pool.submit(work) for _ in range(min(connections, len(waiting)))]
        try:
            _wait_for(workers, check)
        except BaseException:
            # One table may take an hour: nobody waits for that who has been told to stop. Asked again and again,
            # since a request that comes between two statements is lost.
            waiting.clear()
            while wait(workers, timeout=LOOK_EVERY_S).not_done:
                for connection in busy:
                    connection.cancel_safe()
            raise
    return {table.name: _add_up(table, found[table.name]) for table in tables}


def count_table(connection: Connection, table: Table) -> int:
    """Its rows, exactly."""
    query = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(table.schema, table.table))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _wait_for(workers: list[Future[None]], check: Callable[[], None]) -> None:
    """Wait for all of them, looking around now and then; the first failure counts."""
    while wait(workers, timeout=LOOK_EVERY_S, return_when=FIRST_EXCEPTION).not_done:
        for worker in workers:
            if worker.done():
                worker.result()
        check()
    for worker in workers:
        worker.result()


def _divide(table: Table) -> Iterator[_Range]:
    """The count of pages may be old: the last range goes to the end of the table as it is."""
    starts = range(0, max(table.pages, 1), RANGE_PAGES)
    for first in starts:
        yield _Range(table, first, None if first == starts[-1] else first + RANGE_PAGES)


def _hash_range(connection: Connection, part: _Range) -> _Sums:
    within = sql.SQL("ctid >= {}::tid").format(sql.Literal(f"({part.first},0)"))
    if part.last is not None:
        within += sql.SQL(" AND ctid < {}::tid").format(sql.Literal(f"({part.last},0)"))
    table = sql.Identifier(part.table.schema, part.table.table)
    if part.table.method == "values":
        query = sql.SQL(HASH_VALUES).format(hashes=_write_hashes(part.table), table=table, within=within)
    elif part.table.method == "columns":
        query = sql.SQL(HASH_COLUMNS).format(columns=_write_columns(part.table), table=table, within=within)
    else:
        hashed = _write_row_hash(part.table)
        query = sql.SQL(HASH_ROWS).format(hashed=hashed, table=table, within=within)
    row = connection.execute(query).fetchone()
    assert row is not None  # an aggregate has one row
    return _Sums(*row)


def _write_row_hash(table: Table) -> sql.Composable:
    """The whole row; of partitions that may exchange rows, with the columns in the order that all of them share."""
    if table.tree is None:
        return sql.SQL(ROW_HASHES[table.method])
    row = sql.SQL(", ").join(sql.Identifier("t", name) for name in table.columns)
    return sql.SQL(ROW_HASHES[table.method].replace("t.*", "ROW({})")).format(row)


def _write_hashes(table: Table) -> sql.Composable:
    """The hashes of all columns in one, each with a seed of its own; NULL, which has none, is that seed."""
    kinds = [sql.SQL(VALUE_HASHES.get(kind, RECORD_HASH)) for kind in table.types]
    kinds += [sql.SQL(TEXT_HASH)] * len(table.texts)
    hashes: list[sql.Composable] = [
        sql.SQL("coalesce({}, {})").format(
            kind.format(column=sql.Identifier("t", name), seed=sql.Literal(seed)), sql.Literal(seed)
        )
        for seed, (name, kind) in enumerate(zip((*table.values, *table.texts), kinds, strict=True), start=1)
    ]
    return sql.SQL(" # ").join(hashes or [sql.SQL("0::bigint")])


def _write_columns(table: Table) -> sql.Composed:
    """The columns as values; those that cannot be hashed so as one text, which tells NULL from nothing."""
    values: list[sql.Composable] = [sql.Identifier("t", name) for name in table.values]
    if table.texts:
        texts = sql.SQL(", ").join(sql.Identifier("t", name) for name in table.texts)
        values.append(sql.SQL("ROW({})::text").format(texts))
    return sql.SQL(", ").join(values)


def _add_up(table: Table, ranges: list[_Sums]) -> TableFingerprint:
    rows = xor = total = 0
    for sums in ranges:
        rows, xor, total = rows + sums.rows, xor ^ sums.xor, total + sums.total
    checksum = _write_checksum(table.method, xor, total)
    return TableFingerprint(rows=rows, checksum=checksum, method=table.method, tree=table.tree)


def _write_checksum(method: Method, xor: int, total: int) -> str:
    if method in ("values", "columns"):
        return str(total)
    return f"{xor & 0xFFFF_FFFF_FFFF_FFFF:016x}:{total}"


def _read_checksum(table: TableFingerprint) -> _Sums:
    xor, _, total = f"0:{table.checksum}".rpartition(":")
    return _Sums(table.rows, int(xor.rpartition(":")[2], 16), int(total))
