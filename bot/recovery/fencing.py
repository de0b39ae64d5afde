"""Keeping clients off a database that is not to be written to any more, and letting them in again.

A late client that still writes to the old database writes what nobody will ever see: so the door of the database that
is left is shut before the application uses the other one. The way back opens it again.
"""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

from bot.outcome import Failed, Refused
from bot.recovery.action import Facts, World
from bot.recovery.backups import maintenance_url, settings_of
from bot.store.documents import Verdict
from bot.systems.doors import Door, NoDoor, observe_door, open_door, shut_door
from bot.systems.postgres import database_of
from bot.systems.rds_database import move_url
from bot.words import show_count

PORT = 5432
GONE = "it is not there any more, so nobody writes to it"


def server_of(world: World, database: str, url: str) -> str:
    """From where the door of the database at `url` is moved: another database of its server, as the bot's own role."""
    parts = conninfo_to_dict(url)
    own = maintenance_url(world.environment, database, settings_of(world, database))
    return move_url(own, str(parts.get("host") or "localhost"), int(parts.get("port") or PORT))


def look_at_door(world: World, database: str, url: str) -> Door | None:
    """None where its server cannot be asked."""
    try:
        return observe_door(server_of(world, database, url), database_of(url))
    except (Refused, Failed):
        return None


def is_same_database(one: Door | None, other: Door | None) -> bool:
    """Whether two addresses are seen to lead to one database, as a name and its alias do."""
    return one is not None and other is not None and one.behind == other.behind


def fence(world: World, database: str, url: str) -> Facts:
    """Shut it, and end who is inside; where that cannot be done, `shut` is False and the words say why."""
    try:
        ended = shut_door(server_of(world, database, url), database_of(url))
    except NoDoor:
        return {"shut": True, "at": world.now().isoformat(), "words": GONE}
    except (Refused, Failed) as error:
        return {"shut": False, "at": None, "words": f"NOT shut: {error.reason}"}
    return {"shut": True, "at": world.now().isoformat(), "words": f"shut; {show_count(ended, 'session')} on it ended"}


def lift_fence(world: World, database: str, url: str) -> Facts:
    """Let clients in again. Raises `Refused` or `Failed` where that cannot be done."""
    open_door(server_of(world, database, url), database_of(url))
    return {"shut": False, "words": "it lets clients in"}


def judge_fence(world: World, database: str, url: str, name: str = "Old database") -> Verdict:
    """That nobody can write there any more; unknown where nobody can be asked."""
    expected = "shut, no session on it"
    try:
        door = observe_door(server_of(world, database, url), database_of(url))
    except NoDoor:
        return Verdict(name=name, expected=expected, found=GONE, good=True)
    except (Refused, Failed) as error:
        words = f"not known whether it takes clients: {error.reason} Fence it once it can be reached."
        return Verdict(name=name, expected=expected, found=words, good=False, unknown=True)
    found = f"{'open' if door.open else 'shut'}, {door.sessions or 'no'} session{'s' * (door.sessions > 1)} on it"
    return Verdict(name=name, expected=expected, found=found, good=not door.open and not door.sessions)
