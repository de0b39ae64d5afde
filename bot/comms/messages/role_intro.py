"""What a role does, told to the person who has just got it."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks import parts
from bot.slack.text import literal, strong
from bot.store.tables import Incident, Notice

KIND = "role_intro"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
    role = subject.policy.roles[str(notice.data["role"])]
    where = f"<#{incident.channel_id}>" if incident.channel_name else f"#{incident.id}"
    title = literal(incident.title)
    words = f":bust_in_silhouette: You are {strong(role.title)} of {where}: {incident.severity}, {title}."
    by = f"Said by {subject.name(str(notice.data['by']))}. `/incident role {notice.data['role']} none` gives it up."
    blocks = [parts.marked(words), parts.words(role.channel_intro), parts.context(by)]
    return Message(words, parts.pack(blocks))
