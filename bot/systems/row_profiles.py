"""How the rows of tables look on the whole: shares of values, gaps, spans; from a sample, without the values.

Two profiles tell when a script has overwritten a column or moved times, which counting rows does not. Values of
enumerations and booleans are kept as they are, of any other column only the beginning of a hash.
"""

from __future__ import annotations

from typing import NamedTuple

from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.postgres import Connection

WHOLE, SAMPLED = 6_000, 5_000
"""A table of no more rows is read whole, of a larger one about so many, page by page."""
TABLES, COLUMNS, VALUES, WRITERS = 60, 40, 6, 3
FREQUENT = 0.02
"""A value that fewer rows have is not kept."""

LIST_COLUMNS = """
    SELECT n.nspname, c.relname, c.oid::bigint, greatest(c.reltuples, 0)::bigint, a.attname,
           t.typtype = 'e' OR t.typname = 'bool', t.typname,
           CASE WHEN t.typname IN ('timestamp', 'timestamptz', 'date') THEN 'time'
                WHEN t.typcategory = 'N' AND t.typname !~ '^reg|^oid|money' THEN 'number' ELSE '' END
    FROM (SELECT * FROM pg_class WHERE relkind = 'r' AND relpersistence <> 't') c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND t.typname <> 'bytea'
      AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                              AND d.deptype = 'e')
    ORDER BY c.relpages DESC, c.oid, a.attnum
"""
NEXT_WRITER = "SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295)::bigint"
SAMPLE = "WITH sample AS MATERIALIZED (SELECT {columns}, xmin AS {writer} FROM ONLY {table} {part}) "
COLUMN = """
    SELECT {name}, count(*), count({column}), count(DISTINCT left({column}::text, 200)),
           (SELECT json_agg(json_build_array(v, n)) FROM (
                SELECT {value} AS v, count(*) AS n FROM sample WHERE {column} IS NOT NULL
                GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {values}) AS most),
           {low}, {middle}, {high}
    FROM sample
"""
WRITER = """
    SELECT NULL, count(*), 0, count(DISTINCT {writer}::text),
           (SELECT json_agg(json_build_array(v, n)) FROM (
                SELECT {writer}::text AS v, count(*) AS n FROM sample
                GROUP BY 1 ORDER BY 2 DESC LIMIT {writers}) AS most),
           NULL::float8, NULL::float8, NULL::float8
    FROM sample
"""
WRITER_NAME = "holdfast_writer"


class Column(NamedTuple):
    """`plain`: its values are words of the schema and may be kept as they are. `kind`: time, number or neither."""

    name: str
    plain: bool
    type: str
    kind: str


class ColumnProfile(BaseModel):
    """Of the rows looked at: the share that is NULL, different values, the shares of the most frequent, the span.

    `low`, `middle` (median) and `high` are numbers as they are, times in seconds since 1970; None for other types.
    """

    model_config = ConfigDict(frozen=True)
    nulls: float
    distinct: int
    shares: dict[str, float]
    type: str = ""
    kind: str = ""
    low: float | None = None
    middle: float | None = None
    high: float | None = None


class TableProfile(BaseModel):
    """`writers`: transactions that wrote most of the rows looked at, each with its share."""

    model_config = ConfigDict(frozen=True)
    rows: int
    columns: dict[str, ColumnProfile]
    writers: dict[str, float]


class Profile(BaseModel):
    """`next_writer`: the transaction number from which on a row was written later."""

    model_config = ConfigDict(frozen=True)
    next_writer: int
    tables: dict[str, TableProfile]

    def is_later(self, writer: str) -> bool:
        """Whether a transaction came after this profile; numbers wrap around at 2^32."""
        return (int(writer) - self.next_writer) % 2**32 < 2**31


def read_profile(connection: Connection) -> Profile:
    """Look at the largest tables that may be read. Raises psycopg.Error, among others where a lock is in the way."""
    row = connection.execute(NEXT_WRITER).fetchone()
    assert row is not None  # a SELECT without FROM has one row
    tables: dict[tuple[str, str, int], list[Column]] = {}
    for schema, table, _oid, rows, *column in connection.execute(LIST_COLUMNS).fetchall():
        tables.setdefault((schema, table, rows), []).append(Column(*column))
    found = {
        name if schema == "public" else f"{schema}.{name}": _profile_table(connection, schema, name, rows, columns)
        for (schema, name, rows), columns in list(tables.items())[:TABLES]
    }
    return Profile(next_writer=int(row[0]), tables=found)


def _profile_table(connection: Connection, schema: str, table: str, rows: int, columns: list[Column]) -> TableProfile:
    columns = columns[:COLUMNS]
    writer = sql.Identifier(WRITER_NAME)
    share = min(100.0, max(0.001, 100 * SAMPLED / rows)) if rows > WHOLE else 100.0
    part = sql.SQL("TABLESAMPLE SYSTEM ({}) REPEATABLE (7)").format(sql.Literal(share)) if share < 100 else sql.SQL("")
    sample = sql.SQL(SAMPLE).format(
        columns=sql.SQL(", ").join(sql.Identifier(one.name) for one in columns), writer=writer,
        table=sql.Identifier(schema, table), part=part,
    )  # fmt: skip
    asked = [sql.SQL(WRITER).format(writer=writer, writers=sql.Literal(WRITERS))]
    asked += [_ask_column(one) for one in columns]
    by_name = {one.name: one for one in columns}
    whole, *each = connection.execute(sample + sql.SQL(" UNION ALL ").join(asked)).fetchall()
    total = int(whole[1])
    return TableProfile(
        rows=total,
        columns={str(one[0]): _read_column(one, by_name[str(one[0])], total) for one in each},
        writers={str(value): count / total for value, count in whole[4] or []},
    )


def _ask_column(one: Column) -> sql.Composed:
    column, kind = sql.Identifier(one.name), one.kind
    value = sql.SQL("{}::text") if one.plain else sql.SQL("left(md5({}::text), 8)")
    figure = sql.SQL("extract(epoch FROM {})::float8" if kind == "time" else "{}::float8").format(column)
    if kind == "time":
        figure = sql.SQL("CASE WHEN isfinite({}) THEN {} END").format(column, figure)
    middle = sql.SQL("percentile_disc(0.5) WITHIN GROUP (ORDER BY {})").format(figure)
    nothing = sql.SQL("NULL::float8")
    return sql.SQL(COLUMN).format(
        name=sql.Literal(one.name), column=column, value=value.format(column), values=sql.Literal(VALUES),
        low=sql.SQL("min({})").format(figure) if kind else nothing, middle=middle if kind else nothing,
        high=sql.SQL("max({})").format(figure) if kind else nothing,
    )  # fmt: skip


def _read_column(row: tuple[object, ...], column: Column, total: int) -> ColumnProfile:
    _, _, filled, distinct, most, low, middle, high = row
    assert isinstance(filled, int)
    pairs = most if isinstance(most, list) else []
    return ColumnProfile.model_validate(
        {
            "nulls": (total - filled) / total if total else 0.0,
            "distinct": distinct,
            "shares": {str(value): count / total for value, count in pairs if count / total >= FREQUENT},
            "type": column.type, "kind": column.kind,
            "low": low, "middle": middle, "high": high,
        }
    )  # fmt: skip
