"""What is said when an incident changes: wired to the desk as its listener, inside the desk's own transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.comms.bulletins import Bulletins
from bot.comms.notices import Notices, direct_message, incident_room
from bot.comms.room import WORKFLOW as OPEN_ROOM
from bot.comms.room_keeping import FOLLOWED, enqueue_follow
from bot.incidents.desk import Change
from bot.store import ledger
from bot.store.documents import BulletinStage
from bot.store.tables import Incident, LedgerEntry

TOLD: dict[Change, tuple[BulletinStage, str]] = {
    "declared": ("declared", "incident.declared"),
    "updated": ("update", "incident.update"),
    "severity": ("severity", "incident.severity"),
    "resolved": ("resolved", "incident.resolved"),
    "reopened": ("update", "incident.reopened"),
    "merged": ("resolved", "incident.merged"),
}
"""What the audiences hear of: as what, and the entry that says who did it."""
SAID: tuple[Change, ...] = (
    "status", "severity", "reopened", "roles", "tasks", "privacy", "merged", "absorbed", "closed",
)  # fmt: skip
"""Changes that the room hears of in the words of their entry."""
GIVEN = ("task.added", "task.assigned")
"""Entries after which a task may be somebody else's."""
MERGED = "It is the same as another incident, of which you hear separately."


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
        elif change == "closed":
            self.bulletins.tidy(session, incident)
        if change in TOLD:
            self._tell_audiences(session, incident, change)
        if change not in ("declared", "noted"):
            self._show(session, incident, change)

    def _show(self, session: Session, incident: Incident, change: Change) -> None:
        """In its room, and in the messages that follow it."""
        entry = ledger.read_last(session, incident.id)
        if change in SAID and (change != "tasks" or entry.kind.startswith("task.")):  # follow-ups come without one
            self.notices.say(
                session, "incident_entry", key=f"entry:{entry.seq}", to=[incident_room(incident.id)],
                incident_id=incident.id, data={"seq": entry.seq},
            )  # fmt: skip
        if change == "roles":
            self._introduce(session, incident, entry)
        if change == "tasks":
            self._hand_over(session, incident, entry)
        if change in FOLLOWED:
            removed = str(entry.data.get("removed") or "")
            enqueue_follow(session, self.notices, incident, change, removed, entry.seq)
        self.notices.refresh(session, f"summary:{incident.id}", f"announcement:{incident.id}")

    def _introduce(self, session: Session, incident: Incident, entry: LedgerEntry) -> None:
        """Tell whoever holds a role now what it does."""
        if entry.data.get("person"):
            self.notices.say(
                session, "role_intro", key=f"role:{entry.seq}", to=[direct_message(str(entry.data["person"]))],
                incident_id=incident.id, data={"role": entry.data["role"], "by": entry.actor},
            )  # fmt: skip

    def _hand_over(self, session: Session, incident: Incident, entry: LedgerEntry) -> None:
        """Tell whoever has a task now that it is theirs; whoever took it knows."""
        owner = entry.data.get("owner")
        if entry.kind in GIVEN and owner and owner != entry.actor:
            self.notices.say(
                session, "task_given", key=f"task-given:{entry.seq}", to=[direct_message(str(owner))],
                incident_id=incident.id, subject_id=int(str(entry.data["task"])), data={"by": entry.actor},
            )  # fmt: skip

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
        """Each time that it is: one that was opened again is resolved again."""
        entries, head = ledger.read_head(session)
        self.notices.say(
            session, "incident_resolved", key=f"resolved:{incident.id}:{entries}", to=[incident_room(incident.id)],
            incident_id=incident.id, data={"entries": entries, "head": head},
        )  # fmt: skip

    def _tell_audiences(self, session: Session, incident: Incident, change: Change) -> None:
        stage, kind = TOLD[change]
        entry = ledger.read_newest(session, incident.id, kind)
        said = {
            "updated": incident.last_update, "resolved": incident.last_update, "merged": MERGED,
            "severity": self._word_severity(entry), "reopened": entry.text,
        }  # fmt: skip
        text = said.get(change, "")
        self.bulletins.prepare(session, incident, stage, actor=entry.actor, text=text)

    def _word_severity(self, entry: LedgerEntry) -> str:
        """For those who know nothing of our severities."""
        if not {"before", "severity", "reason"} <= set(entry.data):
            return entry.text
        known = self.bulletins.policy.severities
        titles = {name: f"{name} ({severity.title})" for name, severity in known.items()}
        order, before, now = list(titles), str(entry.data["before"]), str(entry.data["severity"])
        verb = "raised" if order.index(now) < order.index(before) else "lowered"  # type: ignore[arg-type]
        return f"The severity is {verb} from {titles[before]} to {titles[now]}: {entry.data['reason']}"  # type: ignore[index]
