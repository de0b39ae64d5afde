"""What the plan of every restore beside the live database says about the live one, and what may not move after it."""

from __future__ import annotations

from bot.recovery.action import Facts, History, World
from bot.recovery.backups import maintenance_url, settings_of
from bot.store.documents import Prediction
from bot.systems.databases import find_database, observe_server
from bot.systems.postgres import connect

LIVE_MATTERS = ("database_oid", "database_owner")
"""Of `observe_live`, what voids a plan when it moves; size and server may."""


def observe_live(world: World, database: str) -> Facts:
    """Read-only; the live database may be gone, which is when a restore is needed most: then its facts are None."""
    settings = settings_of(world, database)
    with connect(maintenance_url(world.environment, database, settings), purpose="observe") as connection:
        server = observe_server(connection)
        live = find_database(connection, database)
    return {
        "database_oid": live.oid if live else None,
        "database_owner": live.owner if live else None,
        "size_bytes": live.size_bytes if live else None,
        "server_version": server.version,
    }


def list_moved(planned: Facts, now: Facts, matters: tuple[str, ...]) -> list[str]:
    """In words, which of the facts that matter are not what they were."""
    return [
        f"{name.replace('_', ' ')} was {planned[name]}, is {now[name]}"
        for name in matters
        if planned[name] != now[name]
    ]


def predict_downtime(history: History, observed: Facts) -> Prediction:
    """What clients will notice."""
    if observed["database_oid"] is None:
        return Prediction(seconds=None, source="it is down now; until this run is done")
    return history.downtime or Prediction(seconds=None, source="well under a second; not measured here yet")


def describe_way_back(database: str, observed: Facts) -> str:
    """How to undo it."""
    if observed["database_oid"] is None:
        return f"There is no database {database} now, so nothing can be overwritten."
    return f"The present database is kept as {database}_before_run…; `/dr undo` puts it back."
