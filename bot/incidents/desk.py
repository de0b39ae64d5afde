"""The desk: every change to an incident is one transaction with its timeline entry; effects follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.incidents.changes import Change, Changes, Changing, Listener
from bot.incidents.closing import Closing, end
from bot.incidents.details import Details, known_components, name_components
from bot.incidents.links import Links
from bot.incidents.members import Members
from bot.incidents.merging import Merging
from bot.incidents.reading import Reading
from bot.incidents.roles import Roles
from bot.incidents.severity import REASON_LIMIT, Severities, known_severity
from bot.incidents.tasks import Tasks
from bot.incidents.text import TITLE_LIMIT, bounded, clean_line, clean_text, known_word
from bot.outcome import Refused
from bot.policy import Person, Policy, SeverityName
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, LedgerEntry

__all__ = ["STATUSES", "Change", "Claim", "Desk", "Listener", "SameAgain"]

Claim = Callable[[Session, Incident], None]

STATUSES = ("investigating", "identified", "monitoring", "resolved")
SAME_AGAIN_WITHIN = timedelta(minutes=1)


class SameAgain(Refused):
    """An identical incident was declared less than a minute ago: is a second one meant?"""

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            f"#{incident.id} with the same severity and title was declared less than a minute ago.",
            "If you mean a second one, declare it again and confirm.",
        )
        self.incident = incident


class Desk(Reading):
    """Declares incidents and changes them; tells its listeners inside the same transaction.

    Its own reading is the bot's, which knows everything; what a person may see, `visible_to` gives.
    """

    def __init__(self, database: Database, policy: Policy, clock: Clock = utc_now) -> None:
        super().__init__(database)
        self.policy, self.clock = policy, clock
        self.changes = Changes(database, policy, clock)
        self.listeners = self.changes.listeners
        self.severities, self.roles = Severities(self.changes), Roles(self.changes)
        self.details, self.links = Details(self.changes), Links(self.changes)
        self.tasks, self.members = Tasks(self.changes), Members(self.changes)
        self.merging, self.closing = Merging(self.changes), Closing(self.changes)

    def visible_to(self, person: Person) -> Reading:
        """Incidents as that person may see them."""
        return Reading(self.database, person.key)

    def declare(
        self,
        *,
        actor: str,
        severity: str,
        title: str,
        category: str | None = None,
        impact: str = "",
        components: list[str] | None = None,
        detected_at: datetime | None = None,
        drill: bool = False,
        private: bool | None = None,
        confirmed: bool = False,
        beside: int | None = None,
        claim: Claim | None = None,
    ) -> Incident:
        """Open an incident. Raises `Refused` for bad input, `SameAgain` for a twin within a minute.

        `beside` is the twin beside which one more is meant: one, however often that is said. Where `private` is None,
        the category says whether it is. `claim` is called inside the transaction, before
        anybody is told: what caused the incident keeps its number there, or raises, and then there is none.
        """
        severity = known_severity(self.policy, severity)
        title = clean_line(title, "the title", TITLE_LIMIT, "Database connection failure")
        category = self._known_category(category, title)
        affected = known_components(self.policy, components or [])
        hidden = self.policy.categories[category].private if private is None else private
        now = self.clock()
        with self.database.write() as session:
            if not confirmed:
                ledger.hold(session)  # of two at the same instant the second sees the first
                self._refuse_twin(session, severity, title, now, actor, beside)
            incident = Incident(
                title=title, severity=severity, status="investigating", category=category,
                impact=bounded(impact), components=affected, declared_by=actor, declared_at=now,
                detected_at=min(detected_at or now, now), drill=drill, private=hidden,
            )  # fmt: skip
            session.add(incident)
            session.flush()
            change = Changing(self.changes, session, incident, actor)
            data: dict[str, JsonValue] = {"severity": severity, "category": category, "drill": drill}
            change.record("incident.declared", self._describe_declaration(incident), data)
            if hidden:
                self.members.begin(change)
            if claim:
                claim(session, incident)
            change.tell("declared")
            return incident

    def update(self, incident_id: int, *, actor: str, text: str) -> Incident:
        """Say how things stand; shown in the summary and on the timeline."""
        text = clean_text(text, "the update", "The restore is running; bags can be scanned again at 14:20.")
        with self.changes.to(incident_id, actor) as change:
            self.say(change, text)
            return change.incident

    def say(self, change: Changing, text: str) -> None:
        """The same as part of a change that is under way."""
        change.incident.last_update, change.incident.last_update_at = text, self.clock()
        change.record("incident.update", text)
        change.tell("updated")

    def note(self, incident_id: int, *, actor: str, text: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact to the timeline; also allowed once the incident is resolved."""
        text = clean_text(text, "the note", "The bad script was started at 10:02 by the nightly job.")
        with self.changes.to_any(incident_id, actor) as change:
            entry = change.record("incident.note", text, at=at)
            change.tell("noted")
            return entry

    def set_status(self, incident_id: int, *, actor: str, status: str, reason: str = "") -> Incident:
        """Move between investigating, identified and monitoring; `resolved` resolves.

        Going back needs a reason. Raises `Refused` without one.
        """
        status = known_word(status, STATUSES, "a status", "monitoring")
        if status == "resolved":
            return self.resolve(incident_id, actor=actor, text=reason)
        with self.changes.to(incident_id, actor) as change:
            before = change.incident.status
            if before == status:
                raise Refused(f"#{incident_id} is {status} already.", "Nothing was changed.")
            if reason.strip() or STATUSES.index(status) < STATUSES.index(before):
                reason = clean_line(reason, "the reason to go back", REASON_LIMIT, f"/incident status {status} REASON")
            change.incident.status = status
            text = f"Status: {before} → {status}" + (f": {reason}" if reason else "")
            change.record("incident.status", text, {"status": status, "reason": reason})
            change.tell("status")
            return change.incident

    def resolve(self, incident_id: int, *, actor: str, text: str = "") -> Incident:
        """End the incident; the post-mortem draft follows."""
        with self.changes.to(incident_id, actor) as change:
            end(change, bounded(text))
            return change.incident

    def reopen(self, incident_id: int, *, actor: str, reason: str) -> Incident:
        """It was not over: the same number and channel go on. Raises `Refused` without a reason."""
        reason = clean_line(reason, "the reason", REASON_LIMIT, "/incident reopen the bags are missing again")
        with self.changes.to_any(incident_id, actor) as change:
            incident = change.incident
            if incident.is_open:
                raise Refused(f"#{incident_id} is open already.", "Nothing was changed.")
            if incident.merged_into_id:
                raise Refused(f"#{incident_id} is part of #{incident.merged_into_id} now.", "Reopen that one instead.")
            incident.status, incident.resolved_at = "investigating", None
            incident.closed_at = None  # `archived_at` stays until its channel is back: what is said waits for that
            change.record("incident.reopened", f"Reopened: {reason}", {"reason": reason})
            change.tell("reopened")
            return incident

    def _describe_declaration(self, incident: Incident) -> str:
        text = f"Declared {incident.severity}: {incident.title}"
        if incident.components:
            text += f". Affected: {name_components(self.policy, incident.components)}"
        return text

    def _known_category(self, word: str | None, title: str) -> str:
        """The category as named; where none is, the one that the title speaks of, else the policy's first."""
        if word is None:
            spoken = title.lower()
            return next((key for key in self.policy.categories if key in spoken), next(iter(self.policy.categories)))
        return known_word(word, tuple(self.policy.categories), "a category", "database")

    def _refuse_twin(
        self, session: Session, severity: SeverityName, title: str, now: datetime, actor: str, beside: int | None
    ) -> None:
        meant = Incident.declared_at > now - SAME_AGAIN_WITHIN if beside is None else Incident.id > beside
        query = Reading(self.database, self.changes.viewer(actor)).visible.where(
            Incident.severity == severity, Incident.title == title, Incident.resolved_at.is_(None), meant
        )
        twin = session.scalar(query.order_by(Incident.id.desc()))
        if twin is None:
            return
        if beside is not None:
            raise Refused(f"#{twin.id} was declared beside #{beside} already.", "Nothing was changed.")
        session.expunge(twin)  # the refusal undoes the transaction, after which it could not be read
        raise SameAgain(twin)
