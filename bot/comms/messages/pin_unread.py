"""A message that somebody wanted on the timeline cannot be read: told to them, with what to do."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.incident import title_of
from bot.slack.blocks.parts import marked, pack
from bot.slack.text import literal
from bot.store.tables import Incident, Notice

KIND = "pin_unread"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
    prose = subject.prose.slack("pin_unread.txt", title=title_of(incident))
    return Message(f"Not on the timeline of {literal(title_of(incident))}", pack([marked(prose)]))
