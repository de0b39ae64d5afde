"""Size of the database and of its largest tables. (Document, Step 3: database size.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding
from bot.words import show_size

LARGEST = """
    SELECT format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 2 DESC LIMIT 5
"""


class DatabaseSize(Check):
    name = "database_size"
    title = "Size"
    scope = "database"

    def run(self, surroundings: Surroundings) -> Finding:
        with surroundings.connect(self.timeout_s) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            largest = connection.execute(LARGEST).fetchall()
        assert row is not None
        parts = ", ".join(f"{name} {show_size(size)}" for name, size in largest[:3])
        lines = [f"{name}: {show_size(size)}" for name, size in largest]
        return self.finding("ok", f"{show_size(row[0])}; the largest: {parts or 'no tables'}.", lines)


CHECK = DatabaseSize()
