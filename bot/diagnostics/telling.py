"""Which series tell something of an incident, and from when to when it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.diagnostics.metrics import METRICS, Metric
from bot.diagnostics.sketches import Sketch
from bot.policy import Policy
from bot.store.tables import Incident

BEFORE = timedelta(minutes=45)
"""So much of the time before an incident is shown with it."""
LONGEST = timedelta(days=7)


def span_of(incident: Incident, now: datetime) -> tuple[datetime, datetime]:
    """What is shown of an incident: from well before it until now."""
    lasted = (incident.resolved_at or now) - incident.detected_at
    since = incident.detected_at - min(max(BEFORE, lasted / 4), LONGEST)
    return since, min(now, since + LONGEST)


def belongs(policy: Policy, metric: Metric, subject: str, incident: Incident) -> bool:
    """Whether a series is about the components that an incident affects, or what they depend on.

    Applications and hosts always are: whatever is ill, that is where it shows.
    """
    if metric.of != "database" or not incident.components:
        return True
    concerned, waiting = set[str](), list(incident.components)
    while waiting:
        key = waiting.pop()
        if key not in concerned and key in policy.components:
            concerned.add(key)
            waiting += policy.components[key].depends_on
    database = policy.databases.get(subject) or policy.databases.get(subject.partition(".")[0])
    return database is not None and database.component in concerned


def without_likes(sketches: Sequence[Sketch]) -> Iterator[Sketch]:
    """One of each metric, and none that another shows beside its own."""
    seen: set[str] = set()
    for one in sketches:
        if one.metric.key not in seen:
            seen |= {one.metric.key, *one.metric.beside}
            seen |= {key for key, other in METRICS.items() if one.metric.key in other.beside}
            yield one
