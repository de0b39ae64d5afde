"""What is said when an incident changes: wired to the desk as its listener, inside the desk's own transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.comms.notices import Notices, incident_room
from bot.comms.room import WORKFLOW as OPEN_ROOM
from bot.incidents.desk import Change
from bot.store import ledger
from bot.store.tables import Incident


class IncidentNotices:
    """Turns changes of an incident into notices."""

    def __init__(self, notices: Notices) -> None:
        self.notices = notices

    def changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The listener."""
        if change == "declared":
            self._declared(session, incident)
        elif change == "updated":
            self._updated(session, incident)
        elif change == "resolved":
            self._resolved(session, incident)
        if change not in ("declared", "noted"):
            self.notices.refresh(session, f"summary:{incident.id}", f"announcement:{incident.id}")

    def _declared(self, session: Session, incident: Incident) -> None:
        self.notices.say(
            session, "incident_summary", key=f"summary:{incident.id}", to=[incident_room(incident.id)],
            incident_id=incident.id,
        )  # fmt: skip
        self.notices.engine.enqueue(session, OPEN_ROOM, incident.id, 0, key=f"room-{incident.id}-0")

    def _updated(self, session: Session, incident: Incident) -> None:
        entry = ledger.read_newest(session, incident.id, "incident.update")
        self.notices.say(
            session, "incident_update", key=f"update:{entry.seq}", to=[incident_room(incident.id)],
            incident_id=incident.id, data={"text": entry.text, "actor": entry.actor},
        )  # fmt: skip

    def _resolved(self, session: Session, incident: Incident) -> None:
        entries, head = ledger.read_head(session)
        self.notices.say(
            session, "incident_resolved", key=f"resolved:{incident.id}", to=[incident_room(incident.id)],
            incident_id=incident.id, data={"entries": entries, "head": head},
        )  # fmt: skip
