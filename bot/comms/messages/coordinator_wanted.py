"""Nobody coordinates an open incident: who will?"""

from __future__ import annotations

from bot.comms.bulletins import COORDINATOR
from bot.comms.messages.subject import Message, Subject
from bot.comms.prose import Ready
from bot.slack.blocks.incident import title_of
from bot.slack.blocks.parts import pack
from bot.slack.blocks.update import show_empty_seat
from bot.slack.text import literal
from bot.store.tables import Incident, IncidentRole, Notice

KIND = "coordinator_wanted"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
        seat = session.get(IncidentRole, (incident.id, COORDINATOR))
    role = subject.policy.roles[COORDINATOR]
    over = bool(notice.data.get("over"))
    prose = subject.prose.slack(
        "coordinator_wanted.txt",
        title=title_of(incident),
        role=role.title,
        intro=role.channel_intro,
        over=over,
        open=incident.is_open,
        holder=Ready(subject.name(seat.person)) if seat else "",
        room=Ready(f"<#{incident.channel_id}>") if incident.channel_name else "",
    )
    return Message(
        f"Nobody coordinates {literal(title_of(incident))}", pack(show_empty_seat(incident, prose, may_act=not over))
    )
