"""The coordinator's seat: while nobody sits in it, the channel is told, and at last somebody is woken."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.bulletins import COORDINATOR
from bot.comms.notices import Notices, direct_message, incident_room
from bot.comms.pages import Pages
from bot.comms.responsible import may_know
from bot.incidents.desk import Change
from bot.incidents.on_call import OnCall
from bot.policy import Policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, IncidentRole, LedgerEntry, Notice

WORKFLOW = "nag-coordinator"
KIND = "coordinator_wanted"
MATTER = "coordinator"
TOLD_AT_MOST = 6
"""So often the channel is told; then whoever is on call is called by name."""
TURNED = ("incident.role", "incident.reopened")
"""Kinds of entries that begin a new vacancy; each has a number of its own, so that none is nagged about twice."""


class CoordinatorSeat:
    """Watches the seat of open incidents."""

    def __init__(self, database: Database, policy: Policy, notices: Notices, pages: Pages, on_call: OnCall) -> None:
        self.database, self.policy, self.notices, self.pages = database, policy, notices, pages
        self.on_call = on_call

    def changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The desk's listener."""
        if COORDINATOR not in self.policy.roles:
            return
        if incident.is_open and not _is_taken(session, incident):
            if change in ("declared", "roles", "reopened"):
                self._schedule(session, incident.id, _count_turns(session, incident), 1)
        elif change in ("roles", "resolved", "merged", "closed"):
            self._end(session, incident)

    def nag(self, incident_id: int, vacancy: int, number: int) -> None:
        """The workflow: say it for the `number`th time, and come back while the seat is empty."""
        duty = self.on_call.find(COORDINATOR).person if number > TOLD_AT_MOST else None
        with self.database.write() as session:
            ledger.hold(session)
            incident = session.get_one(Incident, incident_id)
            if not incident.is_open or _is_taken(session, incident) or _count_turns(session, incident) != vacancy:
                return
            self._end_said(session, incident)
            key = f"{KIND}:{incident_id}:{vacancy}:{number}"
            if number <= TOLD_AT_MOST:
                self._say(session, incident, key, incident_room(incident_id))
                self._schedule(session, incident_id, vacancy, number + 1)
            elif duty and may_know(session, incident, duty.key):
                self._say(session, incident, key, direct_message(duty.key))
                details = f"{incident.title}. {duty.name}, you are on call: /incident role {COORDINATOR}"
                self.pages.call(session, incident, MATTER, key=key, what="nobody coordinates", details=details)

    def _say(self, session: Session, incident: Incident, key: str, to: str) -> None:
        self.notices.say(session, KIND, key=key, to=[to], incident_id=incident.id)

    def _end(self, session: Session, incident: Incident) -> None:
        self._end_said(session, incident)
        self.pages.end(session, incident, MATTER)

    def _end_said(self, session: Session, incident: Incident) -> None:
        """What was said before loses its button, and says what became of it."""
        query = sa.select(Notice).where(Notice.incident_id == incident.id, Notice.kind == KIND)
        for notice in session.scalars(query.order_by(Notice.id)):
            if not notice.data.get("over"):
                notice.data = {**notice.data, "over": True}
                session.flush()
                self.notices.refresh(session, notice.key)

    def _schedule(self, session: Session, incident_id: int, vacancy: int, number: int) -> None:
        self.notices.engine.enqueue(
            session, WORKFLOW, incident_id, vacancy, number, key=f"seat-{incident_id}-{vacancy}-{number}",
            delay_s=self.policy.updates.nag_coordinator_every.total_seconds(),
        )  # fmt: skip


def _is_taken(session: Session, incident: Incident) -> bool:
    return session.get(IncidentRole, (incident.id, COORDINATOR)) is not None


def _count_turns(session: Session, incident: Incident) -> int:
    """How often the seat was taken or left, and the incident reopened."""
    query = sa.select(LedgerEntry).where(LedgerEntry.incident_id == incident.id, LedgerEntry.kind.in_(TURNED))
    entries = session.scalars(query)
    return sum(one.kind != "incident.role" or one.data.get("role") == COORDINATOR for one in entries)
