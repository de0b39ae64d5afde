"""The database behind an RDS instance, reached at its endpoint with the role that the bot has on its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.systems.outcomes import SystemFailed, SystemRefused
from bot.systems.postgres import Connection, connect
from bot.systems.rds import Instance


@dataclass(frozen=True)
class Rows:
    """What some tables hold: how many rows, and when the newest of them came, UTC; None where there are none."""

    count: int
    newest: datetime | None


class NoEndpoint(SystemFailed):
    """The instance has no address yet."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(
            f"{instance.identifier} has no endpoint; it is {instance.status}.", "", "Wait until it is available."
        )


def url_at(url: str, instance: Instance) -> str:
    """The same role, database and options on another server. Takes and returns a URI or a key=value string."""
    if instance.address is None:
        raise NoEndpoint(instance)
    host, port = instance.address
    return move_url(url, host, port)


def move_url(url: str, host: str, port: int) -> str:
    """The same role, database and options at another address. Takes and returns a URI or a key=value string."""
    if "://" not in url:
        return make_conninfo(url, host=host, port=port)
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    bracketed = f"[{host}]" if ":" in host else quote(host, safe="")
    return urlunsplit(parts._replace(netloc=f"{login}{at}{bracketed}:{port}"))


def is_in_recovery(connection: Connection) -> bool:
    """Whether the server is a replica that takes no writes."""
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return bool(row and row[0])


def check_write(url: str) -> str | None:
    """Try a write on a new connection; None when it was committed, else why not. Leaves nothing behind."""
    try:
        with (
            connect(url, purpose="write check", connect_timeout_s=5, statement_timeout_s=10) as connection,
            connection.transaction(),
        ):
            # A temporary table takes an entry in the catalog, which a read-only server refuses.
            connection.execute("CREATE TEMPORARY TABLE holdfast_write_check ON COMMIT DROP AS SELECT 1 AS one")
    except (SystemFailed, SystemRefused) as error:
        return error.words
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return None


def count_rows(connection: Connection, tables: Mapping[str, str], until: datetime | None = None) -> Rows | None:
    """Rows of the tables, each by its time column, up to a moment; None where one of the tables is not there."""
    count, newest = 0, None
    for table, column in tables.items():
        name, moment = sql.Identifier(*table.split(".")), sql.Identifier(column)
        exists = connection.execute("SELECT to_regclass(%s)", (name.as_string(connection),)).fetchone()
        if exists is None or exists[0] is None:
            return None
        query = sql.SQL("SELECT count(*), max({1}) FROM {0} WHERE {1} <= %s").format(name, moment)
        row = connection.execute(query, (until or datetime.max.replace(tzinfo=UTC),)).fetchone()
        assert row is not None  # an aggregate always has one row
        count += row[0]
        newest = max((_as_utc(one) for one in (newest, row[1]) if one is not None), default=None)
    return Rows(count, newest)


def count_clients(connection: Connection) -> int:
    """Sessions of others than ourselves on the connected database."""
    row = connection.execute(
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
          AND pid <> pg_backend_pid() AND application_name NOT LIKE 'holdfast%'
        """
    ).fetchone()
    return int(row[0]) if row else 0


def _as_utc(moment: datetime) -> datetime:
    """A column without a zone is read as UTC, as the server of the document runs in it."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
