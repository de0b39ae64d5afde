"""The live summary, pinned in the incident's channel."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.messages.subject import Message, Subject, name_person
from bot.comms.summary_fields import Facts, read_fields
from bot.incidents.details import list_dependents, name_components
from bot.incidents.reading import list_same
from bot.incidents.tasks import place_of
from bot.slack.blocks import incident as blocks
from bot.slack.blocks.parts import pack
from bot.slack.blocks.summary import SeatShown, Summary, show_summary
from bot.slack.text import literal
from bot.store.tables import Incident, IncidentRole, Link, Notice, Run, Task

KIND = "incident_summary"
COORDINATOR = "dr_coordinator"
ENDED = ("done", "needless", "failed", "cancelled", "refused")
LINKS = 5
ENDED_SHOWN = 2


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        incident = session.get_one(Incident, notice.incident_id)
        summary = _read(session, incident, subject)
    return Message(literal(blocks.title_of(incident)), pack(show_summary(summary)), pinned=True)


def _read(session: Session, incident: Incident, subject: Subject) -> Summary:
    policy, same = subject.policy, list_same(session, incident.id)
    tasks = sa.select(Task).where(Task.incident_id == incident.id, Task.done_at.is_(None))
    links = sa.select(Link).where(Link.incident_id.in_(same)).order_by(Link.id.desc()).limit(LINKS)
    return Summary(
        incident=incident,
        fields=read_fields(Facts(session, incident, subject.policy, subject.now())),
        seats=_read_seats(session, incident, subject),
        components=name_components(policy, incident.components),
        dependents=name_components(policy, list_dependents(policy, incident.components)),
        tasks=sorted(session.scalars(tasks), key=place_of),
        links=list(session.scalars(links))[::-1],
        runs=_list_runs(session, same),
        name=lambda key: name_person(policy, key),
        now=subject.now(),
        hint=subject.prose.slack("welcome.txt"),
        has_page=subject.has_pages,
    )


def _list_runs(session: Session, incidents: Sequence[int]) -> list[Run]:
    """The last that ended, and those under way."""
    runs = sa.select(Run).where(Run.incident_id.in_(incidents))
    ended = runs.where(Run.state.in_(ENDED)).order_by(Run.id.desc()).limit(ENDED_SHOWN)
    return [*reversed(session.scalars(ended).all()), *session.scalars(runs.where(Run.state.not_in(ENDED)))]


def _read_seats(session: Session, incident: Incident, subject: Subject) -> list[SeatShown]:
    """Roles that are held; of the others only the coordinator's, which must not stay empty."""
    rows = sa.select(IncidentRole).where(IncidentRole.incident_id == incident.id)
    held = {row.role: row.person for row in session.scalars(rows)}
    return [
        SeatShown(key, role.title, name_person(subject.policy, held[key]) if key in held else "")
        for key, role in subject.policy.roles.items()
        if key in held or (key == COORDINATOR and incident.is_open)
    ]
