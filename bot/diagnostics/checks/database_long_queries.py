"""Queries that run for too long, and who waits for them. (Document, Step 3: long-running queries.)"""

from __future__ import annotations

import re

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding, FindingState
from bot.words import cut, show_duration

LONG_QUERIES = """
    SELECT pid, coalesce(usename, '?'), coalesce(application_name, ''), state,
           extract(epoch FROM clock_timestamp() - query_start)::float8, query,
           (SELECT count(*) FROM pg_stat_activity b WHERE a.pid = ANY(pg_blocking_pids(b.pid)))
    FROM pg_stat_activity a
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND (state = 'active' OR state LIKE 'idle in transaction%%')
      AND (clock_timestamp() - CASE WHEN state = 'active' THEN query_start ELSE state_change END > %s
           OR EXISTS (SELECT FROM pg_stat_activity b WHERE a.pid = ANY(pg_blocking_pids(b.pid))))
    ORDER BY query_start LIMIT 20
"""
QUERY_SHOWN = 160
LITERALS = re.compile(r"'(?:[^']|'')*'")


class DatabaseLongQueries(Check):
    name = "database_long_queries"
    title = "Long-running queries"
    scope = "database"

    def run(self, surroundings: Surroundings) -> Finding:
        limit = surroundings.settings.long_query_after
        with surroundings.connect(self.timeout_s) as connection:
            rows = connection.execute(LONG_QUERIES, (limit,)).fetchall()
        if not rows:
            return self.finding("ok", f"None runs for more than {show_duration(limit)}, and none holds others up.")
        blocked = sum(row[6] for row in rows)
        state: FindingState = "critical" if blocked else "warning"
        waits = f", {blocked} other sessions wait for them" if blocked else ""
        return self.finding(
            state, f"{len(rows)} run for more than {show_duration(limit)}{waits}.", [*map(_describe, rows)]
        )


def _describe(row: tuple[object, ...]) -> str:
    """One session; string literals are left out, since they may hold what is nobody's business."""
    pid, user, application, state, seconds, query, blocked = row
    shown = cut(LITERALS.sub("'…'", " ".join(str(query).split())), QUERY_SHOWN)
    waits = f", {blocked} waiting" if blocked else ""
    return f"pid {pid} {user} {application} {state} for {show_duration(float(str(seconds)))}{waits}: {shown}"


CHECK = DatabaseLongQueries()
