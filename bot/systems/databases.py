"""Facts about a PostgreSQL server and the databases on it: read-only, from any role that may connect."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import sql

from bot.systems.postgres import Connection, DatabaseMissing


@dataclass(frozen=True)
class Server:
    """One running server. `version_num` is PostgreSQL's own, such as 150018; `now` is its clock, UTC."""

    version_num: int
    version: str
    machine: str
    in_recovery: bool
    now: datetime

    @property
    def major(self) -> int:
        """14, 15, …"""
        return self.version_num // 10_000


@dataclass(frozen=True)
class Database:
    """One database. `size_bytes` is None where the role may not know; `connection_limit` is -1 for none."""

    name: str
    oid: int
    owner: str
    encoding: str
    collation: str
    character_type: str
    locale_provider: str
    locale: str | None
    allows_connections: bool
    connection_limit: int
    comment: str | None
    size_bytes: int | None


@dataclass(frozen=True)
class FreeSpace:
    """Free bytes where the server keeps its data; None when they cannot be known from here, and why."""

    free_bytes: int | None
    reason: str


def observe_server(connection: Connection) -> Server:
    """Ask a server who it is and what time it has."""
    row = connection.execute(
        "SELECT current_setting('server_version_num')::int, version(), pg_is_in_recovery(), clock_timestamp()"
    ).fetchone()
    assert row is not None  # a SELECT without FROM has one row
    version_num, banner, in_recovery, now = row
    return Server(
        version_num=version_num,
        version=connection.info.parameter_status("server_version") or str(version_num),
        machine=banner.partition(" on ")[2].partition("-")[0] or "unknown",
        in_recovery=in_recovery,
        now=now.astimezone(UTC),
    )


def list_databases(connection: Connection) -> list[Database]:
    """Every database but the templates, by name."""
    return _select_databases(connection, sql.SQL("WHERE NOT d.datistemplate ORDER BY d.datname"), {})


def find_database(connection: Connection, name: str) -> Database | None:
    """The database of that name, or None."""
    found = _select_databases(connection, sql.SQL("WHERE d.datname = %(name)s"), {"name": name})
    return found[0] if found else None


def observe_database(connection: Connection, name: str) -> Database:
    """The database of that name. Raises DatabaseMissing."""
    found = find_database(connection, name)
    if found is None:
        raise DatabaseMissing(name)
    return found


def own_oid(connection: Connection) -> int:
    """The object id of the database that we are in: one that was restored has another."""
    row = connection.execute("SELECT oid::bigint FROM pg_database WHERE datname = current_database()").fetchone()
    assert row is not None  # we are in it
    return int(row[0])


def create_beside(maintenance: Connection, name: str, *, like: Database) -> None:
    """Make an empty database with the owner, encoding and collation of another. Needs CREATEDB and its owner's role.

    It is made from template0, so that nothing local to the server's template gets in the way of a restore.
    """
    query = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {} {}")
    maintenance.execute(
        query.format(
            sql.Identifier(name),
            sql.Identifier(like.owner),
            sql.Literal(like.encoding),
            sql.Literal(like.collation),
            sql.Literal(like.character_type),
            _name_provider(like),
        )
    )


def list_roles(connection: Connection) -> frozenset[str]:
    """The names of all roles of the server but PostgreSQL's own (pg_…)."""
    rows = connection.execute(r"SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'").fetchall()
    return frozenset(str(row[0]) for row in rows)


def list_extensions(connection: Connection) -> dict[str, str]:
    """Extensions of the connected database: name and version."""
    return dict(connection.execute("SELECT extname, extversion FROM pg_extension ORDER BY 1").fetchall())


def list_available_extensions(connection: Connection) -> frozenset[str]:
    """Names of the extensions that this server could create."""
    return frozenset(str(row[0]) for row in connection.execute("SELECT name FROM pg_available_extensions").fetchall())


def is_empty(connection: Connection) -> bool:
    """Whether the connected database holds no relation, function, type, schema or large object of anybody's."""
    row = connection.execute(
        """
        SELECT EXISTS (SELECT FROM pg_class WHERE oid >= 16384 AND relnamespace::regnamespace::text !~ '^pg_')
            OR EXISTS (SELECT FROM pg_proc WHERE oid >= 16384)
            OR EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typnamespace::regnamespace::text !~ '^pg_')
            OR EXISTS (SELECT FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_')
            OR EXISTS (SELECT FROM pg_largeobject_metadata)
        """
    ).fetchone()
    return row is not None and not row[0]


def measure_free_space(connection: Connection) -> FreeSpace:
    """Free space at the server's data directory: known only where that is on this machine and we may read its name."""
    if not _holds_role(connection, "pg_read_all_settings"):
        return FreeSpace(None, "the role may not read where the server keeps its data (pg_read_all_settings)")
    row = connection.execute(
        "SELECT inet_server_addr() IS NULL OR host(inet_server_addr()) ~ '^(127\\.|::1$)',"
        " current_setting('data_directory')"
    ).fetchone()
    if row is None or not row[0] or not os.path.isdir(row[1]):
        return FreeSpace(None, "the server is on another machine")
    seen = os.statvfs(row[1])
    return FreeSpace(seen.f_bavail * seen.f_frsize, "free where the server keeps its data")


def _name_provider(like: Database) -> sql.Composable:
    """The locale provider's words for CREATE DATABASE; libc is what every version takes by default."""
    if like.locale_provider == "i":
        return sql.SQL("LOCALE_PROVIDER icu ICU_LOCALE {}").format(sql.Literal(like.locale))
    if like.locale_provider == "b":
        return sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE {}").format(sql.Literal(like.locale))
    return sql.SQL("")


def _holds_role(connection: Connection, role: str) -> bool:
    row = connection.execute("SELECT pg_has_role(current_user, %s, 'member')", (role,)).fetchone()
    return row is not None and bool(row[0])


def _select_databases(connection: Connection, condition: sql.SQL, parameters: dict[str, str]) -> list[Database]:
    version = connection.info.server_version
    locale = "d.datlocale" if version >= 170_000 else "d.daticulocale" if version >= 150_000 else "NULL"
    provider = "d.datlocprovider::text" if version >= 150_000 else "'c'"
    query = sql.SQL(
        """
        SELECT d.datname, d.oid::bigint, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding),
               d.datcollate::text, d.datctype::text, {provider}, {locale}, d.datallowconn, d.datconnlimit,
               shobj_description(d.oid, 'pg_database'),
               CASE WHEN has_database_privilege(d.oid, 'CONNECT')
                      OR pg_has_role(current_user, 'pg_read_all_stats', 'member')
                    THEN pg_database_size(d.oid) END
        FROM pg_database d {condition}
        """
    ).format(provider=sql.SQL(provider), locale=sql.SQL(locale), condition=condition)
    return [Database(*row) for row in connection.execute(query, parameters).fetchall()]
