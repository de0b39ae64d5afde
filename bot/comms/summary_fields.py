"""The fields at the top of an incident's live summary, one function each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.public_record import public_state
from bot.comms.update_clocks import show_next_update
from bot.policy import Policy
from bot.policy.durations import format_duration
from bot.slack.blocks.incident import sign_of
from bot.slack.text import literal, show_duration, show_time
from bot.store.tables import Incident, IncidentRole

Field = tuple[str, str]
"""Label, and what is said beneath it in mrkdwn."""


@dataclass(frozen=True)
class Facts:
    session: Session
    incident: Incident
    policy: Policy
    now: datetime


def show_status(facts: Facts) -> Field:
    incident = facts.incident
    if incident.merged_into_id:
        return "Status", f":{sign_of(incident)}: Merged into #{incident.merged_into_id}"
    return "Status", f":{sign_of(incident)}: {'Closed' if incident.closed_at else incident.status.capitalize()}"


def show_severity(facts: Facts) -> Field:
    incident, policy = facts.incident, facts.policy
    title, category = policy.severities[incident.severity].title, policy.categories[incident.category].title
    return "Severity", f"{incident.severity} {literal(title)}, {literal(category)}"


def show_clock(facts: Facts) -> Field:
    """Since detection; how long it lasted once it is over."""
    began, ended = facts.incident.detected_at, facts.incident.resolved_at
    if ended:
        return "Lasted", f"{_span(ended - began)}, from {show_time(began)}"
    return "Clock", f"{_span(facts.now - began)} since detection, {show_time(began)}"


def show_response(facts: Facts) -> Field:
    """The category's response time: somebody has begun when the first role is held (document: Disaster Categories)."""
    incident = facts.incident
    target = facts.policy.categories[incident.category].response_time
    held = sa.select(sa.func.min(IncidentRole.since)).where(IncidentRole.incident_id == incident.id)
    begun = facts.session.scalar(held)
    if target.within is None:
        return "Response", f"within {target}"
    due = incident.detected_at + target.within
    if begun:
        late = " :warning:" if target.within and begun > due else ""
        return "Response", f"begun after {_span(begun - incident.detected_at)}{late}"
    return "Response", f"{target}: {_by(due, incident.resolved_at or facts.now)}"


def show_rto(facts: Facts) -> Field | None:
    """The shortest RTO of the category's disasters: by when it is missed."""
    policy, incident = facts.policy, facts.incident
    targets = [policy.disasters[key].rto for key in policy.categories[incident.category].disaster_types]
    if not targets:
        return None
    rto = min(targets)
    due, words = incident.detected_at + rto, format_duration(rto)
    if incident.resolved_at:
        return "RTO", f"{words}: {'kept' if incident.resolved_at <= due else ':warning: missed'}"
    return "RTO", f"{words}: {_by(due, facts.now)}"


def show_recovery(facts: Facts) -> Field | None:
    expected = facts.incident.estimated_recovery
    return ("Estimated recovery", literal(expected)) if expected else None


def show_update(facts: Facts) -> Field | None:
    """By when people must hear again."""
    return next(iter(show_next_update(facts.session, facts.incident, facts.policy, facts.now)), None)


def show_public(facts: Facts) -> Field:
    return "Public", public_state(facts.session, facts.incident)


FIELDS: list[Callable[[Facts], Field | None]] = [
    show_status,
    show_severity,
    show_clock,
    show_response,
    show_rto,
    show_recovery,
    show_public,
    show_update,
]
"""In the order shown; a function gives None where it has nothing to say. Add yours at the end."""


def read_fields(facts: Facts) -> list[Field]:
    """All of them that have something to say."""
    return [field for show in FIELDS if (field := show(facts))]


def _span(length: timedelta) -> str:
    """To the minute: seconds would only say how old the summary is."""
    minutes = timedelta(minutes=length // timedelta(minutes=1))
    return show_duration(minutes) if minutes else "less than a minute"


def _by(due: datetime, now: datetime) -> str:
    """By when, or since when it is too late."""
    return f":warning: missed since {show_time(due)}" if now >= due else f"until {show_time(due)}"
