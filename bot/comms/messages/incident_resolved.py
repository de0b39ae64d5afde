"""The resolution, with the ledger's head (design, rule 8) and what is left to do (document, Step 7)."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.incidents.follow_ups import list_follow_ups
from bot.slack.blocks import parts
from bot.slack.text import literal, show_duration
from bot.store.tables import Incident, Notice

KIND = "incident_resolved"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
    resolved_at = incident.resolved_at or subject.now()
    follow_ups = [
        {"title": follow_up.title, "due": due_at}
        for follow_up, due_at in list_follow_ups(subject.policy, incident, resolved_at)
    ]
    prose = subject.prose.slack(
        "resolved.txt",
        duration=show_duration(resolved_at - incident.detected_at),
        entries=notice.data["entries"],
        head=notice.data["head"],
        follow_ups=follow_ups,
    )
    text = f"Resolved: #{incident.id} {literal(incident.title)}"
    return Message(text, parts.pack([parts.marked(prose)]))
