"""A database beside the live one: made empty like it, and removed again; never the live one itself."""

from __future__ import annotations

from psycopg import sql

from bot.systems.database_traits import DatabaseTraits, apply_traits
from bot.systems.databases import Database, create_beside, find_database
from bot.systems.dumps.manifest import Source
from bot.systems.postgres import connect

NAME_LIMIT_BYTES = 63


def name_beside(database: str, suffix: str) -> str:
    """`<database>_<suffix>`, the database's name cut where PostgreSQL would cut the whole."""
    room = NAME_LIMIT_BYTES - len(suffix.encode()) - 1
    return f"{database.encode()[:room].decode('utf-8', 'ignore')}_{suffix}"


def create_afresh(maintenance_url: str, name: str, source: Source) -> None:
    """Make the database empty, as the backup's source was; what an earlier attempt left of it is dropped first."""
    drop_side(maintenance_url, name)
    with connect(maintenance_url, purpose="create beside") as connection:
        create_beside(connection, name, like=describe_like(source, name))


def drop_side(maintenance_url: str, name: str) -> bool:
    """Drop a database of ours with whatever sessions are on it; False where there is none."""
    with connect(maintenance_url, purpose="drop beside") as connection:
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
