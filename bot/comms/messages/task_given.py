"""A task was given to somebody: told to that person directly, since in the channel it is one line among many."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.comms.prose import Ready
from bot.slack.blocks.incident import title_of
from bot.slack.blocks.parts import marked, pack
from bot.slack.text import literal
from bot.store.tables import Incident, Notice, Task

KIND = "task_given"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        task = session.get_one(Task, notice.subject_id)
        incident = session.get_one(Incident, notice.incident_id)
    prose = subject.prose.slack(
        "task_given.txt",
        title=title_of(incident),
        task=task.title,
        number=task.id,
        by=Ready(subject.name(str(notice.data["by"]))),
        due_at=task.due_at,
        room=Ready(f"<#{incident.channel_id}>") if incident.channel_name else "",
    )
    return Message(f"Task {task.id} of #{incident.id} is yours: {literal(task.title)}", pack([marked(prose)]))
