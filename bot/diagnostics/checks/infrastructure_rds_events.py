"""What has happened to the RDS instance in the last day: failovers, restarts, low storage.

(Document: Database Failover.)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.store.documents import Finding
from bot.systems.rds import Event, Rds
from bot.words import cut, show_count, show_duration

GRAVE = ("failure", "low storage")
NOTABLE = ("availability", "failover", "maintenance", "read replica", "recovery", "restoration", "configuration change")
"""Categories of RDS's events that explain trouble (RDS User Guide, event categories); backups are everyday."""
FRESH = timedelta(hours=1)
SHOWN, MESSAGE_SHOWN = 20, 240


class InfrastructureRdsEvents(PointCheck):
    name = "infrastructure_rds_events"
    title = "Events of the RDS instance"
    scope = "infrastructure"
    permissions = ("rds:DescribeDBInstances", "rds:DescribeEvents")
    timeout_s = 25.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        places = surroundings.policy.infrastructure
        rds = Rds(places.regions.primary)
        rds.observe(places.rds.instance)
        newest_first = rds.list_events(places.rds.instance)[::-1]
        return (judge_event(one, surroundings.now()) for one in newest_first)

    def conclude(self, points: list[Point]) -> Finding:
        """As they came, the newest first; the gravest leads the summary."""
        if not points:
            return self.finding("ok", "Nothing has happened to it in the last day.")
        notable = [one for one in points if one.state != "ok"]
        lines = [one.words for one in points[:SHOWN]]
        if not notable:
            return self.finding(
                "ok", f"{show_count(len(points), 'event')} in the last day, nothing out of the ordinary.", lines
            )
        found = super().conclude(notable)
        if found.state == "unknown":
            return found
        told = show_count(len(notable), "event of the last day matters", "events of the last day matter")
        return self.finding(found.state, f"{told}. {found.summary}", lines)


def judge_event(event: Event, now: datetime) -> Point:
    """Critical is what has just gone wrong; what is over explains, and is a warning."""
    age = now - event.at
    words = f"{show_duration(max(age, timedelta(0)))} ago: {cut(event.message, MESSAGE_SHOWN)}"
    if any(one in GRAVE for one in event.categories):
        return Point("critical" if age <= FRESH else "warning", words, signs=("instance at work",))
    notable = any(one in NOTABLE for one in event.categories)
    return Point("warning" if notable else "ok", words, signs=("instance changed",) if notable else ())


CHECK = InfrastructureRdsEvents()
