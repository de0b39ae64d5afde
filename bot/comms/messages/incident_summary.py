"""The live summary, pinned in the incident's channel."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from bot.comms.messages.subject import Message, Subject
from bot.comms.public_record import public_state
from bot.comms.update_clocks import show_next_update
from bot.slack.blocks import incident as blocks
from bot.slack.blocks.parts import pack
from bot.slack.text import literal, show_duration, show_time
from bot.store.tables import Incident, IncidentRole, Notice, Run

KIND = "incident_summary"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
        roles = sa.select(IncidentRole).where(IncidentRole.incident_id == incident.id)
        held = {row.role: row.person for row in session.scalars(roles)}
        public = public_state(session, incident)
        next_update = show_next_update(session, incident, subject.policy, subject.now())
        runs = list(session.scalars(sa.select(Run).where(Run.incident_id == incident.id).order_by(Run.id)))
    holders = [(role.title, subject.name(held[key])) for key, role in subject.policy.roles.items() if key in held]
    shown = blocks.show_summary(
        incident,
        clock=[*_clock(incident, subject), *next_update, ("Public", public)],
        roles=holders,
        runs=runs[-5:],
        hint=subject.prose.slack("welcome.txt"),
    )
    return Message(literal(blocks.title_of(incident)), pack(shown), pinned=True)


def _clock(incident: Incident, subject: Subject) -> list[tuple[str, str]]:
    """When it began, and how that stands against the category's response time."""
    category = subject.policy.categories[incident.category]
    rows = [
        ("Detected", show_time(incident.detected_at)),
        ("Category", f"{literal(category.title)} (response {category.response_time})"),
    ]
    if incident.resolved_at:
        took: timedelta = incident.resolved_at - incident.detected_at
        rows.append(("Lasted", show_duration(took)))
    return rows
