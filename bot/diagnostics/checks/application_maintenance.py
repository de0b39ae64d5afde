"""Is the application in maintenance mode, and since when? So that nobody forgets to end it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.store.documents import Suggestion
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.words import show_duration


class ApplicationMaintenance(PointCheck):
    name = "application_maintenance"
    title = "Maintenance mode"
    scope = "application"
    permissions = PERMISSIONS
    timeout_s = 30.0
    once = False

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        key = surroundings.settings.application
        path = surroundings.policy.applications[key].maintenance_file
        if path is None:
            yield Point("ok", "The policy names no maintenance page.")
            return
        hosts = surroundings.hosts()
        if not hosts:
            yield Point("unknown", "The policy names no host of the application (`hosts`).")
        for host in hosts:
            yield _look_at(host, key, path, surroundings.now())


def _look_at(host: OpenHost, application: str, path: str, now: datetime) -> Point:
    try:
        since = host.read_with("flag_file", "read", path)["since"]
    except (Refused, Failed) as trouble:
        return Point("unknown", f"{host.host.title}: {trouble.reason}")
    if since is None:
        return Point("ok", f"{host.host.title}: maintenance mode is off.")
    age = show_duration(max(0.0, (now - datetime.fromisoformat(str(since))).total_seconds()))
    off = Suggestion(action="maintenance_off", label="Maintenance off", parameters={"application": application})
    return Point("warning", f"{host.host.title}: users are kept out by maintenance mode, for {age} now.", (off,),
                 ("maintenance",))  # fmt: skip


CHECK = ApplicationMaintenance()
