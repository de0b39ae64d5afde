"""Sessions on a PostgreSQL server: who is connected, and ending the right ones.

Needs pg_read_all_stats (in pg_monitor) to see them and pg_signal_backend to end them; sessions of superusers can only
be ended by superusers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import sql

from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import Connection

CAN_BE_ENDED = sql.SQL(
    """(coalesce((pg_has_role(current_user, 'pg_signal_backend', 'member')
                  OR pg_has_role(current_user, a.usesysid, 'member'))
                 AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = a.usesysid), false)
        OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))"""
)
"""Whether we may end the session `a` of pg_stat_activity."""


@dataclass(frozen=True)
class Session:
    """One client's session. Process ids are used again: only with `started_at` (UTC) is one an identity."""

    pid: int
    started_at: datetime
    role: str
    application: str
    address: str | None
    state: str | None
    can_be_ended: bool


class SessionGone(SystemRefused):
    """The session that was meant has ended; its process id may belong to another one now."""


def list_sessions(connection: Connection, database_oid: int) -> list[Session]:
    """Clients connected to a database, oldest first; no background workers, no WAL senders, not ourselves."""
    query = sql.SQL(
        """
        SELECT a.pid, a.backend_start, coalesce(a.usename, ''), a.application_name, host(a.client_addr), a.state, {}
        FROM pg_stat_activity a
        WHERE a.datid = %s AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
        ORDER BY a.backend_start
        """
    )
    rows = connection.execute(query.format(CAN_BE_ENDED), (database_oid,)).fetchall()
    return [
        Session(pid, started.astimezone(UTC), role, application or "", address, state, can_be_ended)
        for pid, started, role, application, address, state, can_be_ended in rows
    ]


def terminate_sessions(connection: Connection, database_oid: int) -> int:
    """Ask every client's session on a database to end, those of superusers apart; does not wait. Returns how many."""
    row = connection.execute(
        """
        SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid))
        FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
        WHERE a.datid = %s AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
          AND (NOT r.rolsuper OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
        """,
        (database_oid,),
    ).fetchone()
    return int(row[0]) if row else 0


def terminate_session(connection: Connection, pid: int, started_at: datetime, *, timeout_s: float = 5) -> None:
    """End exactly the session that was meant and wait until it is gone. Raises SessionGone, or SystemRefused.

    Cancelling would not do: it leaves an idle transaction and its locks in place.
    """
    row = connection.execute(
        """
        SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity
        WHERE pid = %s AND backend_start = %s AND backend_type = 'client backend'
        """,
        (round(timeout_s * 1000), pid, started_at),
    ).fetchone()
    if row is None:
        raise SessionGone(f"Session {pid} has ended already; nothing was done.")
    if not row[0]:
        raise SystemRefused(f"Session {pid} was asked to end and has not done so within {timeout_s:g} s.")
