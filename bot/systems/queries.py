"""What runs on a PostgreSQL server, and open transactions that do nothing: seeing it, and ending exactly that.

Needs pg_read_all_stats (in pg_monitor) to see them and pg_signal_backend to end them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Annotated, Literal, TypeAlias

import psycopg
from psycopg import sql
from pydantic import AfterValidator, BaseModel, ConfigDict

from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import APPLICATION_NAME, Connection
from bot.systems.sessions import CAN_BE_ENDED
from bot.systems.sql_text import hide_values

ALWAYS_SPARED = (f"{APPLICATION_NAME}*", "pg_dump", "pg_dumpall", "pg_restore", "pg_basebackup", "pg_receivewal")
LOOK_EVERY_S = 0.1

LIST_QUERIES = sql.SQL(
    """
    SELECT to_hex(trunc(extract(epoch FROM a.backend_start))::bigint) || '.' || to_hex(a.pid),
           a.pid, a.backend_start, a.query_start, coalesce(a.datname, ''), coalesce(a.usename, ''),
           coalesce(a.application_name, ''), a.state,
           extract(epoch FROM clock_timestamp() - CASE a.state WHEN 'active' THEN a.query_start
                                                               ELSE a.state_change END)::float8,
           a.query, CASE a.wait_event_type WHEN 'Lock' THEN pg_blocking_pids(a.pid) ELSE '{{}}' END,
           coalesce((SELECT rolsuper FROM pg_roles WHERE oid = a.usesysid), false), {can_be_ended}
    FROM pg_stat_activity a
    WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.query_start IS NOT NULL
      AND (a.state = 'active' OR a.state LIKE 'idle in transaction%')
    ORDER BY a.query_start
    """
).format(can_be_ended=CAN_BE_ENDED)

# Only while it is still the same session in the same query, or in the same pause after it.
SAME = sql.SQL(
    """
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid = %(pid)s AND backend_start = %(started_at)s
    AND query_start = %(query_started_at)s AND (state = 'active') = %(active)s AND state <> 'idle'
    """
)

Ending: TypeAlias = Literal["cancel", "terminate"]
Moment: TypeAlias = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class EndingRefused(SystemRefused):
    """We may not see or not end what runs on the server. The message names what is missing."""


class RunningQuery(BaseModel):
    """One session's query, or the transaction that it leaves open; times UTC.

    `session` is PostgreSQL's own identity of a session (%c in its log), which no later one ever has. `statement` is
    without the values in it. `seconds` is how long the query, or the pause in the transaction, has lasted. `waits_for`
    are the processes whose locks it waits for.
    """

    model_config = ConfigDict(frozen=True)
    session: str
    pid: int
    started_at: Moment
    query_started_at: Moment
    database: str
    role: str
    application: str
    state: str
    seconds: float
    statement: str
    waits_for: tuple[int, ...]
    of_superuser: bool
    can_be_ended: bool

    @property
    def active(self) -> bool:
        """Whether a query runs; else it is an open transaction that does nothing and keeps its locks."""
        return self.state == "active"

    @property
    def identity(self) -> dict[str, object]:
        """What must still be so for it to be the same."""
        return {
            "pid": self.pid,
            "started_at": self.started_at,
            "query_started_at": self.query_started_at,
            "active": self.active,
        }


def list_queries(connection: Connection) -> list[RunningQuery]:
    """What runs on the server for clients, in every database, the longest first; not ourselves. Raises EndingRefused.

    No background workers and no WAL senders.
    """
    row = connection.execute("SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), current_user").fetchone()
    if row is None or not row[0]:
        role = row[1] if row else "our role"
        raise EndingRefused(f"{role} may not see what others run.", "Grant it pg_monitor (or pg_read_all_stats).")
    names = tuple(RunningQuery.model_fields)
    found = [dict(zip(names, values, strict=True)) for values in connection.execute(LIST_QUERIES).fetchall()]
    return [RunningQuery.model_validate(one | {"statement": hide_values(one["statement"])}) for one in found]


def count_blocked(queries: Sequence[RunningQuery]) -> dict[int, int]:
    """By process: how many others wait for it, directly or behind one another."""
    waiting: dict[int, set[int]] = {}
    for query in queries:
        for pid in query.waits_for:
            waiting.setdefault(pid, set()).add(query.pid)
    return {pid: len(_follow(pid, waiting) - {pid}) for pid in waiting}


def why_spared(query: RunningQuery, protected: Sequence[str]) -> str | None:
    """Why a query must not be ended, None when it may be. `protected` are patterns of application names."""
    name = query.application.lower()
    pattern = next((one for one in (*ALWAYS_SPARED, *protected) if fnmatch(name, one.lower())), None)
    if pattern is not None:
        return f"{query.application} is protected"
    if query.of_superuser:
        return f"{query.role} is a superuser"
    return None if query.can_be_ended else f"we may not end sessions of {query.role}"


def signal_query(connection: Connection, query: RunningQuery, ending: Ending) -> bool:
    """Ask exactly this query to end; False, and nothing is done, when it is not there any more. Raises EndingRefused.

    Cancelling does nothing to an open transaction that is idle, so its session is ended in any case.
    """
    function = "pg_cancel_backend" if ending == "cancel" and query.active else "pg_terminate_backend"
    statement = sql.SQL("SELECT {}(pid) {}").format(sql.Identifier(function), SAME)
    try:
        row = connection.execute(statement, query.identity).fetchone()
    except psycopg.errors.InsufficientPrivilege as error:
        raise EndingRefused(f"Session {query.pid} of {query.role} may not be ended by us: {error}") from error
    return row is not None and bool(row[0])


def is_running(connection: Connection, query: RunningQuery) -> bool:
    """Whether exactly this query still runs, or this transaction is still left open."""
    return connection.execute(sql.SQL("SELECT {}").format(SAME), query.identity).fetchone() is not None


def wait_until_over(
    connection: Connection, queries: Sequence[RunningQuery], *, timeout_s: float, cancelled: Callable[[], bool]
) -> list[RunningQuery]:
    """Wait until these have ended; returns those that have not within the time, or when the wait is cancelled."""
    deadline = time.monotonic() + timeout_s
    while left := [query for query in queries if is_running(connection, query)]:
        if time.monotonic() >= deadline or cancelled():
            break
        time.sleep(LOOK_EVERY_S)
    return left


def count_killed(connection: Connection, database: str) -> int:
    """Sessions that an administrator has ended in this database since its statistics began, as the server counts."""
    row = connection.execute("SELECT sessions_killed FROM pg_stat_database WHERE datname = %s", (database,)).fetchone()
    return 0 if row is None else int(row[0])


def _follow(pid: int, waiting: dict[int, set[int]]) -> set[int]:
    """Everybody behind a process in the queue; a deadlock's circle ends it too."""
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = set().union(*(waiting.get(one, set()) for one in fresh)) - found
        found |= fresh
    return found
