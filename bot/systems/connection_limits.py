"""How many more connections a server lets a role open, so that work takes no more of them than there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import Connection

# Those of a role and of a database are not for superusers; some of the server's are for them alone.
LIST_LIMITS = """
    SELECT 'the server''s max_connections', current_setting('max_connections')::int
             - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0),
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
    UNION ALL
    SELECT format('the limit of the database %%s', datname), datconnlimit,
           (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend')
    FROM pg_database d WHERE datname = current_database() AND datconnlimit >= 0
    UNION ALL
    SELECT format('the limit of the role %%s', rolname), rolconnlimit,
           (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid AND a.backend_type = 'client backend')
    FROM pg_roles r WHERE rolconnlimit >= 0 AND (rolname = %(role)s OR rolname = current_user)
"""


class Limit(NamedTuple):
    """One limit by its name, and how much of it is taken."""

    what: str
    limit: int
    taken: int

    @property
    def free(self) -> int:
        """Connections that may be opened yet."""
        return max(0, self.limit - self.taken)


class ConnectionsLacking(SystemRefused):
    """There are fewer connections to be had than the work needs at least. The message names the limit."""


def list_limits(connection: Connection, role: str = "") -> list[Limit]:
    """The server's first; then those of the connected database, of the connected role, and of `role`, if any."""
    return [Limit(*row) for row in connection.execute(LIST_LIMITS, {"role": role}).fetchall()]


def find_tightest(connection: Connection) -> Limit:
    """What lets the connected role open the fewest connections more."""
    limits = list_limits(connection)
    if connection.info.parameter_status("is_superuser") == "on":
        limits = limits[:1]
    return min(limits, key=lambda limit: limit.free)


def choose_jobs(connection: Connection, wanted: int, count: Callable[[int], int], work: str) -> int:
    """The most jobs at a time, up to `wanted`, that the free connections are enough for.

    `count` says how many connections so many jobs open besides this one. Raises ConnectionsLacking where there are not
    enough for a single one.
    """
    tightest = find_tightest(connection)
    for jobs in range(wanted, 0, -1):
        if count(jobs) <= tightest.free:
            return jobs
    raise ConnectionsLacking(
        f"{work} needs {count(1)} more connections to the server, and {tightest.what} leaves {tightest.free}: "
        f"{tightest.taken} of {tightest.limit} are taken. Nothing was begun.",
        "Raise that limit, or end what holds the others; then ask again.",
    )
