"""Databases that an exchange kept beside the live one: known by the receipt that stands on them; dropping one.

Dropping needs the role of the database's owner. It is never forced: whoever is connected, or reads changes through a
replication slot, is a reason not to.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql
from pydantic import ValidationError

from bot.systems.database_swap import SwapReceipt
from bot.systems.databases import Database, find_database, list_databases
from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import Connection, connect
from bot.systems.sessions import list_sessions
from bot.systems.side_databases import name_beside

KEPT = "before_run"
LOCK_TIMEOUT_S = 20

# Each finds the names of what stands in the way, and says so. Dropping a database takes its inactive slots with it
# without a word.
OBSTACLES = (
    ("SELECT gid FROM pg_prepared_xacts WHERE database = %(name)s", 'a prepared transaction "{}" is open in it'),
    (
        "SELECT slot_name FROM pg_replication_slots WHERE database = %(name)s",
        'the replication slot "{}" would go with it, and its reader would lose changes',
    ),
    (
        "SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE datname = %(name)s",
        'the subscription "{}" belongs to it',
    ),
    (
        "SELECT datname FROM pg_database WHERE datname = %(name)s AND NOT pg_has_role(current_user, datdba, 'USAGE')",
        'we do not have the role of the owner of "{}"',
    ),
)


class KeptRefused(SystemRefused):
    """The database is not one that an exchange kept, or it may not be dropped. Nothing was changed."""


@dataclass(frozen=True)
class KeptDatabase:
    """What was live until `receipt.shut_at`. `size_bytes` is None where the role may not know."""

    name: str
    oid: int
    owner: str
    size_bytes: int | None
    receipt: SwapReceipt


def name_kept(database: str, run_id: int) -> str:
    """Under which name a run keeps the database whose place it gives to another."""
    return name_beside(database, f"{KEPT}{run_id}")


def is_kept_name(database: str, name: str) -> bool:
    """Whether `name_kept` could have made the name for a run on this database."""
    _, found, run = name.rpartition(f"_{KEPT}")
    return bool(found) and run.isdecimal() and name == name_beside(database, f"{KEPT}{run}")


def list_kept(connection: Connection, database: str) -> list[KeptDatabase]:
    """What exchanges kept of a database, the latest first."""
    kept = [one for found in list_databases(connection) if (one := _recognise(found, database)) is not None]
    return sorted(kept, key=lambda one: one.receipt.shut_at, reverse=True)


def find_kept(connection: Connection, database: str, name: str) -> KeptDatabase:
    """The kept database of that name. Raises KeptRefused for the live one, and for any that no exchange kept."""
    if name == database:
        raise KeptRefused(f'"{name}" is the live database itself.', _tell_others(connection, database))
    found = find_database(connection, name)
    if found is None:
        raise KeptRefused(f'There is no database "{name}" on the server.', _tell_others(connection, database))
    kept = _recognise(found, database)
    if kept is None:
        reason = f'"{name}" bears no receipt of an exchange with "{database}": it was not kept by one.'
        raise KeptRefused(reason, _tell_others(connection, database))
    return kept


def check_droppable(connection: Connection, kept: KeptDatabase) -> None:
    """See everything that speaks against dropping it now. Raises KeptRefused with all reasons at once."""
    reasons = [
        words.format(name)
        for query, words in OBSTACLES
        for (name,) in connection.execute(query, {"name": kept.name}).fetchall()
    ]
    reasons += [
        f"process {session.pid} ({session.role} {session.application}".rstrip() + ") is connected to it"
        for session in list_sessions(connection, kept.oid)
    ]
    if reasons:
        raise KeptRefused(
            f'"{kept.name}" cannot be dropped: {"; ".join(reasons)}. It is as it was.',
            "End that first, then ask for a new plan.",
        )


def drop_kept(maintenance_url: str, database: str, name: str, oid: int) -> None:
    """Drop the kept database if it is still the one with this object id; nothing happens when that is gone already.

    Raises KeptRefused; then it is as it was.
    """
    with connect(maintenance_url, purpose="drop kept", lock_timeout_s=LOCK_TIMEOUT_S) as connection:
        if not exists(connection, oid):
            return
        kept = find_kept(connection, database, name)
        if kept.oid != oid:
            raise KeptRefused(f'"{name}" is another database than the one that was meant.', "Ask for a new plan.")
        check_droppable(connection, kept)
        try:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InvalidCatalogName:
            # An earlier attempt that was cut off was still at it on the server, and has finished.
            if exists(connection, oid):
                raise
        except (psycopg.errors.ObjectInUse, psycopg.errors.LockNotAvailable) as error:
            raise KeptRefused(f'"{name}" was not dropped: {error}', "It is as it was; ask for a new plan.") from error


def exists(connection: Connection, oid: int) -> bool:
    """Whether there is a database with this object id."""
    return connection.execute("SELECT FROM pg_database WHERE oid = %s", (oid,)).fetchone() is not None


def return_comment(maintenance_url: str, database: str) -> None:
    """Give a database that was put back the comment that it had before it was kept; changes nothing otherwise."""
    with connect(maintenance_url, purpose="return comment") as connection:
        found = find_database(connection, database)
        receipt = _read_own_receipt(found) if found else None
        if receipt is not None:
            statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
            connection.execute(statement.format(sql.Identifier(database), sql.Literal(receipt.comment)))


def _recognise(found: Database, database: str) -> KeptDatabase | None:
    receipt = _read_own_receipt(found)
    if receipt is None or not is_kept_name(database, found.name):
        return None
    return KeptDatabase(found.name, found.oid, found.owner, found.size_bytes, receipt)


def _read_own_receipt(found: Database) -> SwapReceipt | None:
    """The receipt on a database, if it is about this very database and not about one that it was copied from."""
    try:
        receipt = SwapReceipt.model_validate_json(found.comment or "")
    except ValidationError:
        return None
    return receipt if receipt.live_oid == found.oid else None


def _tell_others(connection: Connection, database: str) -> str:
    names = ", ".join(one.name for one in list_kept(connection, database))
    return f"Kept of {database}: {names}." if names else f"Nothing is kept of {database}."
