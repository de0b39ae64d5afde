"""An update is due, or overdue: to the one responsible, the channel, and those up the line; with what to press."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.comms.messages.subject import Message, Subject
from bot.comms.prose import Ready
from bot.comms.update_clocks import name_audiences
from bot.slack.blocks.incident import title_of
from bot.slack.blocks.parts import pack
from bot.slack.blocks.update import show_reminder
from bot.slack.text import literal
from bot.store.tables import Bulletin, Incident, Notice

KIND = "update_reminder"
STANDS = {"soon": "due soon", "due": "due now"}
"""By the step of the reminder; every later one is for what is overdue."""


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
        drafts = sa.select(Bulletin).where(Bulletin.incident_id == incident.id, Bulletin.state == "draft")
        draft = session.scalars(drafts.order_by(Bulletin.id.desc())).first()
    turns, over = notice.data["turns"], bool(notice.data.get("over"))
    audiences = list(turns) if isinstance(turns, dict) else []
    waiting = [key for key in audiences if draft and key in draft.audiences]
    prose = subject.prose.slack(
        "update_reminder.txt",
        title=title_of(incident),
        what="resolution" if notice.data["stage"] == "resolution" else "update",
        step=notice.data["step"],
        over=over,
        due_at=datetime.fromisoformat(str(notice.data["due_at"])),
        audiences=name_audiences(subject.policy, audiences),
        drafted_for=name_audiences(subject.policy, waiting),
        responsible=Ready(subject.name(str(notice.data["responsible"]))),
        room=Ready(f"<#{incident.channel_id}>") if incident.channel_name else "",
    )
    blocks = show_reminder(incident, notice.id, prose, may_act=not over)
    how = "seen to" if over else STANDS.get(str(notice.data["step"]), "overdue")
    return Message(f"Update of {literal(title_of(incident))}: {how}", pack(blocks))
