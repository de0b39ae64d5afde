"""Outages of components: opened, changed and closed by what the public is told, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.comms.public_record import is_public
from bot.comms.wording import OPERATIONAL, STATES
from bot.incidents.desk import Change, Listener
from bot.store.tables import Bulletin, ComponentOutage, Incident

SEVERITY = {state: rank for rank, state in enumerate(STATES)}


def bulletin_published(session: Session, bulletin: Bulletin) -> None:
    """The listener of `Bulletins.published`. Drills and private incidents say nothing about components."""
    incident = session.get_one(Incident, bulletin.incident_id)
    if not is_public(bulletin) or incident.private or incident.drill:
        return
    at, still_open = bulletin.statement.at, {one.component: one for one in _list_open(session, incident.id)}
    for component, state in bulletin.statement.components.items():
        outage = still_open.get(component)
        if outage and outage.status != state:
            _close(outage, at)
        if state != OPERATIONAL and (outage is None or outage.status != state):
            row = ComponentOutage(incident_id=incident.id, component=component, status=state, began_at=at)
            session.add(row)
    session.flush()


def follow_incidents(clock: Clock) -> Listener:
    """The desk's listener, before the one that drafts bulletins.

    What was said of an incident that became part of another, the other answers for from now on. One that became
    private says nothing of components any more.
    """

    def changed(session: Session, incident: Incident, change: Change) -> None:
        if change == "merged" and incident.merged_into_id is not None:
            _hand_over(session, incident.id, incident.merged_into_id, clock())
        elif change == "privacy" and incident.private:
            for outage in _list_open(session, incident.id):
                _close(outage, clock())

    return changed


def _hand_over(session: Session, merged: int, into: int, now: datetime) -> None:
    held = said_affected(session, into)
    for outage in _list_open(session, merged):
        if outage.component in held:
            _close(outage, now)
        else:
            outage.incident_id = into
    session.flush()


def said_affected(session: Session, incident_id: int) -> dict[str, str]:
    """Components that the public was told this incident impairs, and how much, now."""
    return {one.component: one.status for one in _list_open(session, incident_id)}


def worst_states(session: Session, components: Iterable[str]) -> dict[str, str]:
    """How each component stands, whatever incident says so: the worst of what is open."""
    found = dict.fromkeys(components, OPERATIONAL)
    open_now = sa.select(ComponentOutage).where(ComponentOutage.ended_at.is_(None))
    for outage in session.scalars(open_now.where(ComponentOutage.component.in_(list(found)))):
        found[outage.component] = max(found[outage.component], outage.status, key=lambda one: SEVERITY.get(one, 0))
    return found


def _list_open(session: Session, incident_id: int) -> list[ComponentOutage]:
    mine = sa.select(ComponentOutage).where(
        ComponentOutage.incident_id == incident_id, ComponentOutage.ended_at.is_(None)
    )
    return list(session.scalars(mine.order_by(ComponentOutage.id)))


def _close(outage: ComponentOutage, at: datetime) -> None:
    outage.ended_at = max(at, outage.began_at)
