"""A database beside the live one: made empty like it, and removed again; never the live one itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from bot.systems.database_traits import DatabaseTraits, apply_traits
from bot.systems.databases import Database, create_beside, find_database
from bot.systems.dumps.manifest import Source
from bot.systems.postgres import Connection, connect

NAME_LIMIT_BYTES = 63


def name_beside(database: str, suffix: str) -> str:
    """`<database>_<suffix>`, the database's name cut where PostgreSQL would cut the whole."""
    room = NAME_LIMIT_BYTES - len(suffix.encode()) - 1
    return f"{database.encode()[:room].decode('utf-8', 'ignore')}_{suffix}"


def create_afresh(maintenance_url: str, name: str, source: Source) -> None:
    """Make the database empty, as the backup's source was; what an earlier attempt left of it is dropped first."""
    with _alone(maintenance_url, name, "create beside") as connection:
        _drop(connection, name)
        create_beside(connection, name, like=describe_like(source, name))


def drop_side(maintenance_url: str, name: str) -> bool:
    """Drop a database of ours with whatever sessions are on it; False where there is none."""
    with _alone(maintenance_url, name, "drop beside") as connection:
        return _drop(connection, name)


@contextmanager
def _alone(maintenance_url: str, name: str, purpose: str) -> Iterator[Connection]:
    """The server goes on making a database for a bot that has died meanwhile: that is waited for."""
    with connect(maintenance_url, purpose=purpose) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"holdfast: {name}",))
        yield connection  # the lock goes with the session


def _drop(connection: Connection, name: str) -> bool:
    if find_database(connection, name) is None:
        return False
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return True


def put_in_empty_place(maintenance_url: str, side: str, live: str, traits: DatabaseTraits) -> None:
    """Where the live database is gone: give `side` its traits and its name. Does nothing once that is done."""
    with connect(maintenance_url, purpose="put in place") as connection:
        if find_database(connection, side) is None:
            return
        apply_traits(connection, side, traits)
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(side), sql.Identifier(live)))


def describe_like(source: Source, name: str) -> Database:
    """What a new database must be like to take a backup from this source."""
    return Database(
        name=name,
        oid=0,
        owner=source.traits.owner,
        encoding=source.encoding,
        collation=source.collation,
        character_type=source.character_type,
        locale_provider=source.locale_provider,
        locale=source.locale,
        allows_connections=True,
        connection_limit=-1,
        comment=None,
        size_bytes=None,
    )
