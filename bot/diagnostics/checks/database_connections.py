"""Connections by state and by whom, against every limit that there is. (Document, Step 3: active connections.)"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.conninfo import conninfo_to_dict

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.store.documents import FindingState, Measure, Suggestion
from bot.systems.connection_limits import list_limits
from bot.systems.postgres import Connection

BY_STATE = """
    SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC
"""
HOLDERS = """
    SELECT coalesce(usename, ''), coalesce(nullif(application_name, ''), 'no name'),
           coalesce(host(client_addr), 'local'), count(*), count(*) FILTER (WHERE state = 'idle')
    FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 5
"""
OF_THE_APPLICATION = """
    SELECT count(*) FILTER (WHERE datname = current_database()),
           coalesce(string_agg(DISTINCT datname, ', ') FILTER (WHERE datname <> current_database()), '')
    FROM pg_stat_activity WHERE usename = %(role)s AND application_name NOT LIKE 'holdfast%%'
"""
WARN_SHARE, CRITICAL_SHARE = 0.7, 0.9


class DatabaseConnections(DatabasePointCheck):
    name = "database_connections"
    title = "Connections by state"

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        url = surroundings.environment.get(surroundings.settings.connection_env, "")
        role = str(conninfo_to_dict(url).get("user") or "") if url else ""
        with surroundings.connect(self.timeout_s) as connection:
            counts: dict[str, int] = dict(connection.execute(BY_STATE).fetchall())
            limits = list_limits(connection, role)
            application = connection.execute(OF_THE_APPLICATION, {"role": role}).fetchone()
            holders = list(_describe_holders(connection))
        used = sum(counts.values())
        states = ", ".join(f"{count} {state}" for state, count in counts.items())
        measure = Measure(name="connections", value=used)
        yield Point("ok", f"{used} of {limits[0].limit} in use: {states}.", measures=(measure,))
        for what, limit, taken in limits:
            yield from _judge_limit(surroundings, what, limit, taken, holders)
        if application and role and application[0] == 0 and application[1]:
            words = f"The application's role {role} has no session here, but has in {application[1]}."
            yield Point("warning", words, signs=("wrong address",), normal="It has its sessions here.")


def _judge_limit(surroundings: Surroundings, what: str, limit: int, taken: int, holders: list[str]) -> Iterator[Point]:
    share = taken / limit if limit else 1.0
    state: FindingState = "critical" if share >= CRITICAL_SHARE else "warning" if share >= WARN_SHARE else "ok"
    if state == "ok":
        return
    restart = Suggestion(
        action="restart_application", label="Restart the application",
        parameters={"application": surroundings.settings.application},
    )  # fmt: skip
    held = f" Most are held by {holders[0]}." if holders else ""
    yield Point(state, f"{taken} of {limit} are taken ({what}).{held}", (restart,), signs=("connections used up",))
    for line in holders:
        yield Point("ok", line)


def _describe_holders(connection: Connection) -> Iterator[str]:
    for role, application, address, count, idle in connection.execute(HOLDERS).fetchall():
        yield f"{role} ({application}, from {address}): {count}, {idle} of them idle"


CHECK = DatabaseConnections()
