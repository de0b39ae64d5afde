"""What stands in the way of exchanging two databases, seen before anybody is disconnected."""

from __future__ import annotations

from bot.systems.databases import observe_database
from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import Connection
from bot.systems.sessions import list_sessions

# Each finds the names of what stands in the way, and says so.
OBSTACLES = (
    ("SELECT gid FROM pg_prepared_xacts WHERE database IN (%(live)s, %(side)s)", 'a prepared transaction "{}" is open'),
    (
        "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical' AND database IN (%(live)s, %(side)s)",
        'the logical replication slot "{}" would go with the old database and its reader would lose changes',
    ),
    (
        "SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE datname = %(live)s",
        'the subscription "{}" belongs to the live database and would stay with the old one',
    ),
    (
        """SELECT datname FROM pg_database WHERE datname IN (%(live)s, %(side)s)
           AND NOT pg_has_role(current_user, datdba, 'USAGE')""",
        'we do not have the role of the owner of "{}"',
    ),
    (
        "SELECT rolname FROM pg_roles WHERE rolname = current_user AND NOT rolcreatedb AND NOT rolsuper",
        'our role "{}" lacks CREATEDB, which renaming needs',
    ),
    ("SELECT datname FROM pg_database WHERE datname = %(kept)s", 'there is a database "{}" already'),
    (
        "SELECT datname FROM pg_database WHERE datname = %(side)s AND NOT datallowconn",
        '"{}" does not accept connections',
    ),
    (
        "SELECT datname FROM pg_database WHERE datname = current_database() AND datname IN (%(live)s, %(side)s)",
        'we are connected to "{}" ourselves; the swap is done from another database of the server',
    ),
    (
        """SELECT role FROM unnest(ARRAY['pg_signal_backend', 'pg_read_all_stats']) role
           WHERE NOT pg_has_role(current_user, role, 'USAGE')""",
        "our role is not a member of {}, so it cannot end sessions",
    ),
    (
        "SELECT %(kept)s WHERE octet_length(%(kept)s::text) NOT BETWEEN 1 AND 63",
        'the name "{}" is too long for a database (63 bytes)',
    ),
)


class SwapRefused(SystemRefused):
    """The swap cannot be done as the databases are. Nothing was changed, and nobody was disconnected."""


def check_swap(connection: Connection, *, live: str, side: str, kept: str) -> None:
    """See everything that would make a swap fail or lose something, before anybody is disconnected.

    Raises SwapRefused with all reasons at once, or DatabaseMissing.
    """
    databases = observe_database(connection, live), observe_database(connection, side)
    reasons = [
        reason
        for query, words in OBSTACLES
        for (name,) in connection.execute(query, {"live": live, "side": side, "kept": kept}).fetchall()
        for reason in [words.format(name)]
    ]
    for database in databases:
        reasons += [
            f'"{database.name}" has a session that we may not end (process {session.pid}, role {session.role})'
            for session in list_sessions(connection, database.oid)
            if not session.can_be_ended
        ]
    if reasons:
        raise SwapRefused(f"The databases cannot be exchanged: {'; '.join(reasons)}. Nothing was changed.")
