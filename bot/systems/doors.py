"""A database's door: shut, PostgreSQL lets nobody in, superusers neither; what is in the database stays as it is.

Worked from another database of the same server, by its owner. The door stands in the catalog that all databases share,
which replicas receive like any other write: a replica that follows the server gets the shut door too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from bot.systems.databases import find_database
from bot.systems.outcomes import SystemFailed, SystemRefused
from bot.systems.postgres import Connection, connect
from bot.systems.sessions import terminate_sessions

CONNECT_S, STATEMENT_S = 5, 15.0
LEFT_WITHIN_S, LOOK_EVERY_S = 10.0, 0.05


class NoDoor(SystemRefused):
    """There is no such database on the server, so nobody writes to it."""


class DoorStuck(SystemFailed):
    """The door could not be moved, or somebody stayed inside."""


@dataclass(frozen=True)
class Door:
    """How it stands, and how many sessions of clients are inside."""

    open: bool
    sessions: int
    in_recovery: bool
    behind: str
    """Which database it is the door of, however its server is called: when that was started, to the microsecond, and
    the database's number there. (Its system identifier is that of every server restored from it, too.)"""


def observe_door(maintenance_url: str, database: str) -> Door:
    """Look. Raises NoDoor where there is no such database, DatabaseUnreachable."""
    with _work(maintenance_url) as connection:
        return _look(connection, database)


def shut_door(maintenance_url: str, database: str) -> int:
    """Let nobody in and end whoever is inside; returns how many sessions were ended. Doing it twice does no harm.

    One that is shut and has nobody inside is left as it is, also by who could not move it. Raises DoorStuck,
    DatabaseUnreachable, NoDoor.
    """
    with _work(maintenance_url) as connection:
        door = _look(connection, database)
        if not door.open and not door.sessions:
            return 0
        _move(connection, database, is_open=False)
        ended = terminate_sessions(connection, _oid(connection, database))
        deadline_s = time.monotonic() + LEFT_WITHIN_S
        while (left := _look(connection, database).sessions) and time.monotonic() < deadline_s:
            time.sleep(LOOK_EVERY_S)
    if left:
        raise DoorStuck(f"{database} lets nobody in any more, but {left} sessions do not end.", "", "End them by hand.")
    return ended


def open_door(maintenance_url: str, database: str) -> None:
    """Let clients in again; raises as `shut_door`."""
    with _work(maintenance_url) as connection:
        _move(connection, database, is_open=True)


def _work(maintenance_url: str) -> Connection:
    return connect(
        maintenance_url, purpose="door", connect_timeout_s=CONNECT_S, statement_timeout_s=STATEMENT_S,
        lock_timeout_s=STATEMENT_S,
    )  # fmt: skip


def _look(connection: Connection, database: str) -> Door:
    row = connection.execute(
        """
        SELECT pg_is_in_recovery(), d.datallowconn, extract(epoch FROM pg_postmaster_start_time()), d.oid, (
            SELECT count(*) FROM pg_stat_activity a
            WHERE a.datid = d.oid AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
        ) FROM pg_database d WHERE d.datname = %s
        """,
        (database,),
    ).fetchone()
    if row is None:
        raise NoDoor(f"There is no database {database} there.", "Check its name.")
    return Door(open=bool(row[1]), sessions=int(row[4]), in_recovery=bool(row[0]), behind=f"{row[3]} since {row[2]}")


def _oid(connection: Connection, database: str) -> int:
    found = find_database(connection, database)
    if found is None:
        raise NoDoor(f"There is no database {database} there.", "Check its name.")
    return found.oid


def _move(connection: Connection, database: str, *, is_open: bool) -> None:
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    try:
        connection.execute(statement.format(sql.Identifier(database), sql.Literal(is_open)))
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[0]
        raise DoorStuck(
            f"The door of {database} cannot be {'opened' if is_open else 'shut'}: {said}.", "It stands as it was.",
            "The bot's role must own the database, as for a restore.",
        ) from error  # fmt: skip
