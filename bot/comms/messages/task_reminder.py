"""A task of an incident is due, or overdue: to its owner, or to the channel where nobody owns it."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.comms.prose import Ready
from bot.slack.blocks.incident import title_of
from bot.slack.blocks.parts import marked, pack
from bot.slack.text import literal
from bot.store.tables import Incident, Notice, Task

KIND = "task_reminder"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        task = session.get_one(Task, notice.subject_id)
        incident = session.get_one(Incident, notice.incident_id)
    prose = subject.prose.slack(
        "task_reminder.txt",
        title=title_of(incident),
        task=task.title,
        number=task.id,
        owner=Ready(subject.name(task.owner)) if task.owner else "",
        due_at=task.due_at or subject.now(),
        late=bool(task.due_at and task.due_at < subject.now()),
        done=task.done_at is not None and not task.dropped,
        dropped=task.dropped,
        room=Ready(f"<#{incident.channel_id}>") if incident.channel_name else "",
    )
    return Message(f"Task of #{incident.id}: {literal(task.title)}", pack([marked(prose)]))
