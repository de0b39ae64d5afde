"""Connections by state, against the server's limit. (Document, Step 3: active connections.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding, FindingState
from bot.systems.postgres import Connection

BY_STATE = """
    SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC
"""
WARN_SHARE, CRITICAL_SHARE = 0.7, 0.9


class DatabaseConnections(Check):
    name = "database_connections"
    title = "Connections by state"
    scope = "database"

    def run(self, surroundings: Surroundings) -> Finding:
        with surroundings.connect(self.timeout_s) as connection:
            counts: dict[str, int] = dict(connection.execute(BY_STATE).fetchall())
            limit = _read_limit(connection)
        used = sum(counts.values())
        states = ", ".join(f"{count} {state}" for state, count in counts.items())
        return self.finding(_judge(used / limit), f"{used} of {limit} in use: {states}.")


def _read_limit(connection: Connection) -> int:
    row = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    assert row is not None
    return int(row[0])


def _judge(share: float) -> FindingState:
    if share >= CRITICAL_SHARE:
        return "critical"
    return "warning" if share >= WARN_SHARE else "ok"


CHECK = DatabaseConnections()
