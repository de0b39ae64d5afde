"""What is said when an incident changes: wired to the desk as its listener, inside the desk's own transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.comms.bulletins import Bulletins
from bot.comms.notices import Notices, incident_room
from bot.comms.room import WORKFLOW as OPEN_ROOM
from bot.incidents.desk import Change
from bot.store import ledger
from bot.store.documents import BulletinStage
from bot.store.tables import Incident

TOLD: dict[Change, BulletinStage] = {
    "declared": "declared",
    "updated": "update",
    "severity": "severity",
    "resolved": "resolved",
}
"""What the audiences hear of, and as what."""
ENTRIES = {
    "declared": "incident.declared",
    "update": "incident.update",
    "severity": "incident.severity",
    "resolved": "incident.resolved",
}


class IncidentNotices:
    """Turns changes of an incident into notices."""

    def __init__(self, notices: Notices, bulletins: Bulletins) -> None:
        self.notices, self.bulletins = notices, bulletins

    def changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The listener."""
        if change == "declared":
            self._declared(session, incident)
        elif change == "updated":
            self._updated(session, incident)
        elif change == "resolved":
            self._resolved(session, incident)
        stage = TOLD.get(change)
        if stage is not None:
            self._tell_audiences(session, incident, stage)
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

    def _tell_audiences(self, session: Session, incident: Incident, stage: BulletinStage) -> None:
        entry = ledger.read_newest(session, incident.id, ENTRIES[stage])
        said = incident.last_update if stage in ("update", "resolved") else ""
        self.bulletins.prepare(session, incident, stage, actor=entry.actor, text=said)
