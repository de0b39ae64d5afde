"""What of a database goes into which part of its backup, so that parts can be dumped side by side."""

from __future__ import annotations

from dataclasses import dataclass

from bot.systems.dumps.manifest import REST_PART, SCHEMA_PART, PartFormat
from bot.systems.postgres import Connection

# Tables from this size on may get a part of their own; there are never more than so many parts of data.
LARGE_TABLE_BYTES = 8 * 1024 * 1024
DATA_PARTS = 4

LIST_LARGE_TABLES = """
    SELECT format('%%I.%%I', n.nspname, c.relname), pg_table_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND pg_table_size(c.oid) >= %s
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                              AND d.deptype = 'e')
    ORDER BY 2 DESC LIMIT 50
"""


@dataclass(frozen=True)
class PartPlan:
    """One part to be dumped: what pg_dump is to put into it, and the tables whose rows are all that it holds."""

    name: str
    format: PartFormat
    options: tuple[str, ...]
    tables: tuple[str, ...] = ()


def plan_parts(connection: Connection) -> list[PartPlan]:
    """The largest first. What no other part names is in the rest, so nothing can be forgotten."""
    tables = connection.execute(LIST_LARGE_TABLES, (LARGE_TABLE_BYTES,)).fetchall()
    bins: list[tuple[int, list[str]]] = [(0, []) for _ in range(min(DATA_PARTS - 1, len(tables)))]
    for name, size_bytes in tables:
        smallest = min(range(len(bins)), key=lambda index: bins[index][0])
        bins[smallest] = (bins[smallest][0] + size_bytes, [*bins[smallest][1], name])
    large = [
        PartPlan(f"data-{number}", "plain", ("--section=data", *(f"--table={name}" for name in names)), tuple(names))
        for number, (_, names) in enumerate(bins, start=1)
    ]
    apart = tuple(f"--exclude-table-data={name}" for name, _ in tables)
    return [
        *large,
        PartPlan(REST_PART, "custom", ("--section=data", *apart)),
        PartPlan(SCHEMA_PART, "custom", ("--section=pre-data", "--section=post-data")),
    ]
