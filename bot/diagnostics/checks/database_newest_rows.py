"""Do new rows still arrive? The age of the newest one, against what is usual at this time of day.

An application can be healthy while nothing that it is told is kept: a rule, a queue or a worker swallows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.store.documents import Measure
from bot.systems.postgres import Connection
from bot.words import show_duration

IS_THERE = """
    SELECT n.nspname, c.relname,
           EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indisvalid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %(column)s AND NOT a.attisdropped
    WHERE c.oid = to_regclass(%(table)s)
"""
NEWEST = "SELECT extract(epoch FROM clock_timestamp() - max({column}))::float8 FROM {table}"
FACTOR, MARGIN_S = 5.0, 30.0
"""So many times, and so much, older than what is usual at most is worth telling."""


class DatabaseNewestRows(DatabasePointCheck):
    name = "database_newest_rows"
    title = "New rows"

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with surroundings.connect(self.timeout_s / 2) as connection:
            ages = {
                table: _read_age(connection, table, column)
                for table, column in surroundings.settings.loss_tables.items()
            }
        known = {table: age for table, age in ages.items() if age is not None}
        if not known:
            yield Point("ok", "The age of the newest row cannot be had at once: no index begins with its time.")
            return
        for table, age_s in known.items():
            yield judge_age(surroundings, table, age_s)


def judge_age(surroundings: Surroundings, table: str, age_s: float) -> Point:
    """Where nothing is measured over time, no age is too old."""
    measure = Measure(name=f"age of the newest row of {table}", value=max(0.0, age_s), unit="s")
    words = f"The newest row of {table} is {show_duration(max(0.0, age_s))} old"
    usual = surroundings.usual("newest_row_age", f"{surroundings.database}.{table}")
    if usual is None or age_s <= usual.high + MARGIN_S or age_s <= FACTOR * usual.high:
        return Point("ok", f"{words}.", measures=(measure,))
    normal = f"It is {show_duration(usual.low)} to {show_duration(usual.high)} old at this time of day."
    return Point("warning", f"{words}: no new ones arrive.", (), ("writes stopped",), (measure,), normal)


def _read_age(connection: Connection, table: str, column: str) -> float | None:
    row = connection.execute(IS_THERE, {"table": table, "column": column}).fetchone()
    if row is None or not row[2]:
        return None
    query = sql.SQL(NEWEST).format(column=sql.Identifier(column), table=sql.Identifier(row[0], row[1]))
    newest = connection.execute(query).fetchone()
    return None if newest is None or newest[0] is None else float(newest[0])


CHECK = DatabaseNewestRows()
