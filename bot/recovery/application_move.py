"""The application taken along to the database that its secret leads to: restarted host by host, and seen there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.outcome import Failed
from bot.recovery.action import Context, Facts, World
from bot.recovery.application_restart import ask_starts, health_url, restart_hosts
from bot.recovery.backups import settings_of
from bot.recovery.connection_secret import count_application, find_connection
from bot.recovery.environment_file import find_wanted, write_environment
from bot.recovery.instances import RegionChoice, name_region, watch_for
from bot.recovery.on_hosts import open_application_hosts
from bot.systems.hosts.opening import OpenHost
from bot.systems.probe import probe_health
from bot.systems.rds_waiting import Pace, Watch, wait_until_seen
from bot.systems.web_application import ask_health
from bot.words import show_duration

RESTART_PHASE = "restart"
RESTART_WITHIN = timedelta(minutes=5)
"""Where the policy's disaster has no phase of that name; it is what the document gives the restart."""


def find_restart_limit(world: World, database: str) -> timedelta:
    """How long a restart may take, by the policy."""
    disaster = world.policy.disasters[settings_of(world, database).disaster]
    phases = {phase.name.lower(): phase.expected for phase in disaster.phases}
    return phases.get(RESTART_PHASE, RESTART_WITHIN)


def has_hosts(world: World, application: str) -> bool:
    """Whether the policy says where it runs, so that it can be restarted from here."""
    return any(host.application == application for host in world.policy.hosts.values())


def describe_restart(world: World, key: str) -> list[str]:
    """How the application follows, as notes of a plan."""
    application = world.policy.applications[key]
    if has_hosts(world, key):
        titles = ", ".join(host.title for host in world.policy.hosts.values() if host.application == key)
        return [f"The application is restarted host by host, ill ones first, each healthy before the next: {titles}."]
    return [
        "The policy names no host of the application: once the label has moved, somebody must restart it.",
        f"On its host: `systemctl restart {application.service}`. The run waits for that and sees it.",
    ]


@dataclass(frozen=True)
class Move:
    """Which application goes over to where which secret leads, and since when its old database is shut."""

    database: str
    application: str
    region: RegionChoice
    away_since: datetime | None


def move_application(context: Context[Any], move: Move) -> Facts:
    """Restart it where that can be done from here, and wait until it is healthy with sessions on the new database.

    That it is not seen there in time is a verdict, no reason to undo. Raises `Failed` where a host does not come back.
    """
    key, world = move.application, context.world
    left_out = dict[str, str]()
    with probe_health(health_url(world.policy.applications[key])) as client:
        if has_hosts(world, key):
            lasting = replace(context, cancelled=lambda: False)  # half of the hosts on each database would be worse
            starts, left_out = ask_starts(world, key)  # one that is dead keeps nobody from the new database
            hosts = [host for host in open_application_hosts(world, key) if host.key in starts]
            restart_hosts(lasting, key, prepare=partial(_write_environment, lasting, move), hosts=hosts)
        if not _is_seen(context, move):
            limit = show_duration(find_restart_limit(world, move.database))
            words = f"not seen on the new database within {limit}"
            return {"there": False, "gap_s": None, "left_out": {**left_out}, "words": words}
        outages = [outage.duration_s for outage in client.observe().outages]
    away = (world.now() - move.away_since).total_seconds() if move.away_since else max(outages, default=0.0)
    titles = ", ".join(world.policy.hosts[one].title for one in left_out)
    words = f"healthy on the new database; it was away {show_duration(away)}"
    words += f"; WITHOUT {titles}, which cannot be reached" if titles else ""
    return {"there": True, "gap_s": away, "left_out": {**left_out}, "words": words}


def _write_environment(context: Context[Any], move: Move, host: OpenHost) -> None:
    """Where the application reads its secret by itself, there is no file to be written."""
    if host.application.environment_file is not None:
        region = name_region(context.world, move.region)
        write_environment(context, host, find_wanted(context.world, move.application, region=region))


def _is_seen(context: Context[Any], move: Move) -> bool:
    world, application = context.world, context.world.policy.applications[move.application]
    url = find_connection(world, move.database, move.region, move.application).url
    by_hand = not has_hosts(world, move.application)
    asked = f"restart the application now: systemctl restart {application.service}"

    def look() -> bool:
        context.progress(asked if by_hand else "waiting for its sessions on the new database")
        return bool(count_application(url)) and ask_health(health_url(application), application.health_expect).good

    limit_s = find_restart_limit(world, move.database).total_seconds()
    watch = Watch(Pace(watch_for(context).pace.every_s, limit_s), context.progress)
    try:
        wait_until_seen("the application", look, watch)
    except Failed:
        return False
    return True
