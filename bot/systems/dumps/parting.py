"""What of a database goes into which part of its backup, so that parts can be dumped side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from psycopg import sql

from bot.systems.dumps.manifest import REST_PART, SCHEMA_PART, PartFormat
from bot.systems.dumps.rows import BINARY_TYPES, Pages, TableRows
from bot.systems.postgres import Connection
from bot.systems.table_hashes import FIND_TREE, has_trees

# Tables from this size on do not go into the rest.
LARGE_TABLE_BYTES = 8 * 1024 * 1024
# Those that go as text share so many parts, less one for the rest.
DATA_PARTS = 4
# A table that goes in binary is cut after so many pages (128 MB), so that the first part is read back while the next is
# dumped, and several sessions can load it; a very large one into so many parts.
PART_PAGES = 16 * 1024
PARTS_PER_TABLE = 16

# In binary only where the text needs no conversion, every type is one that all servers write alike, rows lie in pages
# as PostgreSQL itself lays them, and names are such that no quoting of any program can get them wrong.
# In the rest, which pg_restore loads, is what only it gets right. The hash of an enum is another after a restore, so
# that rows of partitions by it change places: they are sent through the partitioned table. And where names are not in
# UTF-8, it does not recognise ours.
LIST_LARGE_TABLES = f"""
    SELECT format('%%I.%%I', n.nspname, c.relname), pg_table_size(c.oid), n.nspname, c.relname,
           pg_relation_size(c.oid) / current_setting('block_size')::int,
           coalesce(array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''), '{{}}'),
           coalesce(bool_and(t.typtype = 'e' OR (t.oid < 16384 AND t.typname = ANY(%(binary)s)))
                        FILTER (WHERE a.attgenerated = ''), false)
               AND n.nspname || c.relname || string_agg(a.attname, '') !~ '["\\\\\\n\\r]'
               AND current_setting('server_encoding') = 'UTF8'
               AND (SELECT amname FROM pg_am WHERE oid = c.relam) = 'heap'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND pg_table_size(c.oid) >= %(large)s
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                              AND d.deptype = 'e')
      AND NOT (c.relispartition AND EXISTS ({FIND_TREE}))
      AND (current_setting('server_encoding') = 'UTF8' OR n.nspname || c.relname ~ '^[ -~]*$')
    GROUP BY c.oid, n.nspname, c.relname
    ORDER BY 2 DESC LIMIT 50
"""  # noqa: S608 (made of constants)


@dataclass(frozen=True)
class PartPlan:
    """One part to be dumped: what pg_dump is to put into it, and the tables whose rows are all that it holds.

    A binary one is not pg_dump's: it holds `rows`, of the `pages` where they are not all of the table.
    """

    name: str
    format: PartFormat
    options: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    rows: TableRows | None = None
    pages: Pages | None = None


class _Table(NamedTuple):
    name: str
    size_bytes: int
    schema_name: str
    table: str
    pages: int
    columns: list[str]
    is_binary: bool


def lock_large_tables(connection: Connection) -> None:
    """Lock them as reading locks them, until the connection's transaction, which this begins, ends.

    An emptied or rewritten table looks empty to whoever reads it in an older snapshot. So the locks come first: to lock
    takes no snapshot yet.
    """
    tables = _list_large_tables(connection)
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    _lock(connection, tables)


def plan_parts(connection: Connection) -> list[PartPlan]:
    """The largest first. What no other part names is in the rest, so nothing can be forgotten.

    Large tables that have come since `lock_large_tables` are locked as well.
    """
    tables = _list_large_tables(connection)
    _lock(connection, tables)
    pieces = [*_plan_binary([table for table in tables if table.is_binary])]
    text = _plan_text([table for table in tables if not table.is_binary])
    options = ["--section=data", *(f"--exclude-table-data={table.name}" for table in tables)]
    if has_trees(connection):
        options.append("--load-via-partition-root")
    return [
        *(PartPlan(f"rows-{n}", "binary", (), (t.name,), rows, pages) for n, (t, rows, pages) in enumerate(pieces, 1)),
        *text,
        PartPlan(REST_PART, "custom", tuple(options)),
        PartPlan(SCHEMA_PART, "custom", ("--section=pre-data", "--section=post-data")),
    ]


def _list_large_tables(connection: Connection) -> list[_Table]:
    asked = {"binary": BINARY_TYPES, "large": LARGE_TABLE_BYTES}
    return [_Table(*row) for row in connection.execute(LIST_LARGE_TABLES, asked).fetchall()]


def _lock(connection: Connection, tables: list[_Table]) -> None:
    for table in tables:
        name = sql.Identifier(table.schema_name, table.table)
        connection.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(name))


def _plan_binary(tables: list[_Table]) -> Iterator[tuple[_Table, TableRows, Pages | None]]:
    for table in tables:
        rows = TableRows(schema_name=table.schema_name, table=table.table, columns=tuple(table.columns))
        step = max(PART_PAGES, -(-table.pages // PARTS_PER_TABLE))
        starts = range(0, max(table.pages, 1), step)
        for first in starts:
            # It may have grown since: the last part goes to the end of the table as it is.
            pages = Pages(first, None if first == starts[-1] else first + step)
            yield table, rows, pages if len(starts) > 1 else None


def _plan_text(tables: list[_Table]) -> list[PartPlan]:
    bins: list[tuple[int, list[str]]] = [(0, []) for _ in range(min(DATA_PARTS - 1, len(tables)))]
    for table in tables:
        smallest = min(range(len(bins)), key=lambda index: bins[index][0])
        bins[smallest] = (bins[smallest][0] + table.size_bytes, [*bins[smallest][1], table.name])
    return [
        PartPlan(f"data-{number}", "plain", ("--section=data", *(f"--table={name}" for name in names)), tuple(names))
        for number, (_, names) in enumerate(bins, start=1)
    ]
