"""The announcement in the incidents channel; it follows the incident to its end."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.comms.prose import Ready
from bot.slack.blocks import incident as blocks
from bot.slack.blocks.parts import pack
from bot.slack.text import literal
from bot.store.tables import Incident, Notice

KIND = "incident_announcement"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
    prose = subject.prose.slack(
        "announcement.txt",
        drill=incident.drill,
        severity=incident.severity,
        severity_title=subject.policy.severities[incident.severity].title,
        declared_by=Ready(subject.name(incident.declared_by)),
        declared_at=incident.declared_at,
        status=incident.status,
        category=subject.policy.categories[incident.category].title,
        room=Ready(f"<#{incident.channel_id}>") if incident.channel_name else "",
    )
    return Message(literal(blocks.title_of(incident)), pack(blocks.show_announcement(incident, prose)))
