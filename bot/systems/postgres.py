"""PostgreSQL as a client sees it: connecting, and URLs. What is on a server is in `databases` and `sessions`."""

from __future__ import annotations

import os
from typing import TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from psycopg.rows import TupleRow

from bot.systems.outcomes import SystemFailed, SystemRefused

APPLICATION_NAME = "holdfast"
MAINTENANCE_DATABASE = "postgres"

MISREAD = "The database cannot be reached: its address cannot be read as a URL of PostgreSQL."
NOT_ENCODED = "Write what its password has of / @ ? # [ ] % as %2F %40 %3F %23 %5B %5D %25."

# Limits that a role or a database has for its own sessions, and which would end a long piece of work, or one that waits
# for another. For every version, of which the older know fewer.
LIFT_TIME_LIMITS = """
    SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN (
        'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')
"""

Connection: TypeAlias = psycopg.Connection[TupleRow]


class DatabaseUnreachable(SystemFailed):
    """The server did not let us in, or did not answer. Nothing is known about its data."""


class DatabaseMissing(SystemRefused):
    """There is no database of that name on the server."""

    def __init__(self, database: str) -> None:
        self.database = database
        super().__init__(f'There is no database "{database}" on the server. Check the name and the server.')


def connect(
    url: str,
    *,
    purpose: str = "",
    connect_timeout_s: int = 10,
    statement_timeout_s: float | None = None,
    lock_timeout_s: float | None = None,
) -> Connection:
    """Connect with autocommit. `purpose` shows in pg_stat_activity as `holdfast: <purpose>`; None means no limit.

    A dead peer is noticed within some 15 s. Raises DatabaseMissing or DatabaseUnreachable.
    """
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name=f"{APPLICATION_NAME}: {purpose}" if purpose else APPLICATION_NAME,
            client_encoding="UTF8",  # a server without an encoding would give bytes
            connect_timeout=connect_timeout_s,
            keepalives_idle=5,
            keepalives_interval=3,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
    except psycopg.ProgrammingError:  # what it says has a piece of the address in it, perhaps of the password
        raise DatabaseUnreachable(MISREAD, next_step=NOT_ENCODED) from None
    except psycopg.OperationalError as error:
        if _is_misread(url):
            raise DatabaseUnreachable(MISREAD, next_step=NOT_ENCODED) from None
        raise _explain_refusal(url, error) from error
    # Set after connecting: poolers and proxies refuse unknown start-up options. The styles are those that we can read.
    limits_s = (statement_timeout_s, lock_timeout_s)
    limits = ["0" if limit_s is None else str(max(1, round(limit_s * 1000))) for limit_s in limits_s]
    connection.execute(
        """
        SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false),
               set_config('datestyle', 'ISO', false), set_config('intervalstyle', 'postgres', false)
        """,
        limits,
    )
    return connection


def database_of(url: str) -> str:
    """The name of the database that the URL leads to; libpq's default is the user's name."""
    parts = conninfo_to_dict(url)
    return str(parts.get("dbname") or parts.get("user") or MAINTENANCE_DATABASE)


def replace_database(url: str, database: str) -> str:
    """The same server, role and options, another database. Takes and returns a URI or a key=value string."""
    if "://" not in url:
        return make_conninfo(url, dbname=database)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path="/" + quote(database, safe="")))


def replace_role(url: str, role: str, password: str) -> str:
    """The same server, database and options, another role. Returns a key=value string."""
    return make_conninfo(url, user=role, password=password)


def to_maintenance(url: str) -> str:
    """The same server's `postgres` database, from which other databases are renamed, made and dropped."""
    return replace_database(url, MAINTENANCE_DATABASE)


def redact(url: str) -> str:
    """What of a URL may be shown and logged: role, host, port and database; never the password or options."""
    parts = conninfo_to_dict(url)
    user, host, port = (str(parts.get(key) or "") for key in ("user", "host", "port"))
    return f"postgresql://{user}{'@' if user else ''}{host}{':' if port else ''}{port}/{database_of(url)}"


def client_environment(url: str, *, purpose: str = "") -> dict[str, str]:
    """The environment for PostgreSQL's own programs, so that no secret stands in an argument list.

    Whatever PG… settings this process was started with do not leak into it.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    options = Conninfo.parse(url.encode())
    chosen = {
        option.envvar.decode(): option.val.decode()
        for option in options
        if option.envvar is not None and option.val is not None
    }
    chosen["PGAPPNAME"] = f"{APPLICATION_NAME}: {purpose}" if purpose else APPLICATION_NAME
    chosen.setdefault("PGCONNECT_TIMEOUT", "10")
    return inherited | chosen | {"LC_MESSAGES": "C"}


def _is_misread(url: str) -> bool:
    """Whether a password that was not written for a URL has become part of the host or of the database's name."""
    parts = conninfo_to_dict(url)
    return any("@" in str(parts.get(key) or "") for key in ("host", "dbname"))


def _explain_refusal(url: str, error: psycopg.OperationalError) -> SystemRefused | SystemFailed:
    if "does not exist" in str(error) and "database" in str(error):
        return DatabaseMissing(database_of(url))
    reason = str(error).strip().splitlines()[-1]
    return DatabaseUnreachable(f"{redact(url)} cannot be reached: {reason}")
