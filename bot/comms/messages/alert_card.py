"""The card of a group of alerts, in the incidents channel; it follows its alerts, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.alert import NEWEST, Care, show_card
from bot.slack.blocks.parts import pack
from bot.slack.text import literal
from bot.store.tables import Alert, AlertGroup, Incident, Notice

KIND = "alert_card"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        group = session.get_one(AlertGroup, notice.subject_id)
        mine = sa.select(Alert).where(Alert.group_id == group.id)
        order = (Alert.state, Alert.began_at.desc(), Alert.id.desc())  # "firing" comes before "resolved"
        newest = list(session.scalars(mine.order_by(*order).limit(NEWEST)))
        counted = sa.select(Alert.state, sa.func.count()).where(Alert.group_id == group.id).group_by(Alert.state)
        counts = {state: number for state, number in session.execute(counted)}  # noqa: C416 (typed)
        incident = session.get(Incident, group.incident_id) if group.incident_id else None
    firing = counts.get("firing", 0)
    state = f"{firing} firing" if firing else "all resolved"
    blocks = pack(show_card(group, newest, counts, _care(group, incident, subject)))
    return Message(f"Alerts: {literal(group.title)}: {state}", blocks)


def _care(group: AlertGroup, incident: Incident | None, subject: Subject) -> Care:
    """Of a private incident the card says no more than that somebody is there."""
    muted = group.muted_until is not None and group.muted_until > subject.now()
    return Care(
        seen_to=incident is not None and incident.is_open,
        where=_where(incident) if incident and not incident.private else "",
        muted_until=group.muted_until if muted else None,
        muted_by=subject.name(group.muted_by) if group.muted_by else "",
    )


def _where(incident: Incident) -> str:
    room = f" in <#{incident.channel_id}>" if incident.channel_name else ""
    return f"*#{incident.id}* {literal(incident.title)}{room}, {incident.status}"
