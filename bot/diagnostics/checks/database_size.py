"""Size of the database and of its largest tables, how it grew, and the room left. (Document, Step 3: database size.)"""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.outcome import Failed, Refused
from bot.store.documents import FindingState, Measure
from bot.systems.databases import measure_free_space
from bot.words import show_duration, show_size

LARGEST = """
    SELECT format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 2 DESC LIMIT 5
"""
LOG = "SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()"
GROWN, GROWN_BYTES = 2.0, 1_000_000_000
LITTLE_BYTES, LEAST_BYTES = 5_000_000_000, 1_000_000_000


class DatabaseSize(DatabasePointCheck):
    name = "database_size"
    title = "Size"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 15.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with surroundings.connect(self.timeout_s) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            largest = connection.execute(LARGEST).fetchall()
            log = connection.execute(LOG).fetchone()
            free = measure_free_space(connection)
        assert row is not None  # a SELECT without FROM has one row
        size = int(row[0])
        parts = ", ".join(f"{name} {show_size(bytes_)}" for name, bytes_ in largest[:3])
        measure = Measure(name="size", value=size, unit="bytes")
        kept = f" Its log takes {show_size(log[0])}." if log else ""
        yield Point("ok", f"{show_size(size)}; the largest: {parts or 'no tables'}.{kept}", measures=(measure,))
        for name, bytes_ in largest:
            yield Point("ok", f"{name}: {show_size(bytes_)}")
        if free.free_bytes is not None:
            yield _judge_room(free.free_bytes)
        yield from _judge_growth(surroundings, size)


def _judge_room(free: int) -> Point:
    state: FindingState = "critical" if free < LEAST_BYTES else "warning" if free < LITTLE_BYTES else "ok"
    return Point(state, f"{show_size(free)} are left where the server keeps its data.", signs=("disk full",))


def _judge_growth(surroundings: Surroundings, size: int) -> Iterator[Point]:
    try:
        newest = surroundings.baseline()
    except (Refused, Failed):  # told by the checks of the backups
        return
    before = newest.source.size_bytes if newest else None
    if newest and before and size > GROWN * before and size - before > GROWN_BYTES:
        age = show_duration(surroundings.now() - newest.snapshot_at)
        words = f"It has grown from {show_size(before)} to {show_size(size)} within {age}."
        yield Point("warning", words, signs=("rows doubled",))


CHECK = DatabaseSize()
