"""All alerts of an incident are resolved: said in its channel, with a button; whether it is over, people decide."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.alert import show_all_resolved
from bot.slack.blocks.parts import pack
from bot.store.tables import Incident, Notice

KIND = "alerts_resolved"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
    prose = subject.prose.slack("alerts_resolved.txt", number=incident.id, title=incident.title)
    return Message(f"All alerts of #{incident.id} are resolved", pack(show_all_resolved(prose, incident.id)))
