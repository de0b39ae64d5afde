"""The desk: every change to an incident is one transaction with its timeline entry; effects follow."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.outcome import Refused
from bot.policy import Policy, SeverityName
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, IncidentRole, LedgerEntry, Task

Change = Literal[
    "declared", "updated", "status", "severity", "noted", "roles", "details", "tasks", "privacy",
    "resolved", "reopened", "merged", "closed",
]  # fmt: skip
"""`details`: title, impact, next steps, estimated recovery, components, links."""
Listener = Callable[[Session, Incident, Change], None]
Claim = Callable[[Session, Incident], None]

STATUSES = ("investigating", "identified", "monitoring", "resolved")
TITLE_LIMIT = 200
TEXT_LIMIT = 10_000
NEVER_KEPT = {"Cc", "Cs"}
"""Unicode's control characters and lone surrogates; line breaks and tabs are kept all the same."""
TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the direction of what follows, also of our own words. Right-to-left scripts need none of them."""
LARGEST_NUMBER = 2**31 - 1
"""What a number in both databases can be."""
SAME_AGAIN_WITHIN = timedelta(minutes=1)


class SameAgain(Refused):
    """An identical incident was declared less than a minute ago: is a second one meant?"""

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            f"#{incident.id} with the same severity and title was declared less than a minute ago.",
            "If you mean a second one, declare it again and confirm.",
        )
        self.incident = incident


class Desk:
    """Declares incidents and changes them; tells its listeners inside the same transaction."""

    def __init__(self, database: Database, policy: Policy, clock: Clock = utc_now) -> None:
        self.database = database
        self.policy = policy
        self.clock = clock
        self.listeners: list[Listener] = []

    def declare(
        self,
        *,
        actor: str,
        severity: str,
        title: str,
        category: str | None = None,
        impact: str = "",
        detected_at: datetime | None = None,
        drill: bool = False,
        confirmed: bool = False,
        claim: Claim | None = None,
    ) -> Incident:
        """Open an incident. Raises `Refused` for bad input, `SameAgain` for a twin within a minute.

        `claim` is called inside the transaction, before anybody is told: what caused the incident keeps its number
        there, or raises, and then there is none.
        """
        severity = self.known_severity(severity)
        title = clean_line(title, "the title", TITLE_LIMIT, "Database connection failure")
        category = self._known_category(category, title)
        now = self.clock()
        with self.database.write() as session:
            if not confirmed:
                ledger.hold(session)  # of two at the same instant the second sees the first
                self._refuse_twin(session, severity, title, now)
            incident = Incident(
                title=title, severity=severity, status="investigating", category=category,
                impact=_bounded(impact), declared_by=actor, declared_at=now,
                detected_at=min(detected_at or now, now), drill=drill,
            )  # fmt: skip
            session.add(incident)
            session.flush()
            text = f"Declared {severity}: {title}"
            data: dict[str, JsonValue] = {"severity": severity, "category": category, "drill": drill}
            self._record(session, incident, "incident.declared", actor, text, data)
            if claim:
                claim(session, incident)
            self._tell(session, incident, "declared")
            return incident

    def update(self, incident_id: int, *, actor: str, text: str) -> Incident:
        """Say how things stand; shown in the summary and on the timeline."""
        text = clean_text(text, "the update", "The restore is running; bags can be scanned again at 14:20.")
        with self.database.write() as session:
            incident = self._open(session, incident_id)
            incident.last_update, incident.last_update_at = text, self.clock()
            self._record(session, incident, "incident.update", actor, text)
            self._tell(session, incident, "updated")
            return incident

    def note(self, incident_id: int, *, actor: str, text: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact to the timeline; also allowed once the incident is resolved."""
        text = clean_text(text, "the note", "The bad script was started at 10:02 by the nightly job.")
        with self.database.write() as session:
            incident = self._known(session, incident_id)
            entry = self._record(session, incident, "incident.note", actor, text, at=at)
            self._tell(session, incident, "noted")
            return entry

    def set_status(self, incident_id: int, *, actor: str, status: str) -> Incident:
        """Move between investigating, identified and monitoring, both ways; `resolved` resolves."""
        status = known_word(status, STATUSES, "a status", "monitoring")
        if status == "resolved":
            return self.resolve(incident_id, actor=actor)
        with self.database.write() as session:
            incident = self._open(session, incident_id)
            if incident.status == status:
                raise Refused(f"#{incident.id} is {status} already.", "Nothing was changed.")
            text = f"Status: {incident.status} → {status}"
            incident.status = status
            self._record(session, incident, "incident.status", actor, text, {"status": status})
            self._tell(session, incident, "status")
            return incident

    def resolve(self, incident_id: int, *, actor: str, text: str = "") -> Incident:
        """End the incident; the post-mortem draft follows."""
        with self.database.write() as session:
            incident = self._open(session, incident_id)
            incident.status, incident.resolved_at = "resolved", self.clock()
            text = _bounded(text)
            if text:
                incident.last_update, incident.last_update_at = text, self.clock()
            words = f"Resolved: {text}" if text else "Resolved"
            self._record(session, incident, "incident.resolved", actor, words)
            self._tell(session, incident, "resolved")
            return incident

    def assign(self, incident_id: int, *, actor: str, role: str, person: str) -> Incident:
        """Give a role of this incident to a person of the policy; the former holder gives way."""
        role = known_word(role, tuple(self.policy.roles), "a role", "database_admin")
        holder = self.policy.person(person)
        if holder is None:
            raise Refused(f"{person!r} is not among the people of the policy.", "`holdfast policy show` lists them.")
        with self.database.write() as session:
            incident = self._open(session, incident_id)
            row = session.get(IncidentRole, (incident_id, role))
            if row is None:
                session.add(IncidentRole(incident_id=incident_id, role=role, person=person, since=self.clock()))
            else:
                row.person, row.since = person, self.clock()
            text = f"{holder.name} is {self.policy.roles[role].title}"
            self._record(session, incident, "incident.role", actor, text, {"role": role, "person": person})
            self._tell(session, incident, "roles")
            return incident

    def find(self, incident_id: int) -> Incident:
        """Raises `Refused` where there is no such incident."""
        with self.database.read() as session:
            return self._known(session, incident_id)

    def by_channel(self, channel_id: str) -> Incident | None:
        with self.database.read() as session:
            return session.scalar(sa.select(Incident).where(Incident.channel_id == channel_id))

    def list_open(self) -> list[Incident]:
        """Open incidents, the most severe and then the newest first."""
        query = sa.select(Incident).where(Incident.resolved_at.is_(None))
        with self.database.read() as session:
            return list(session.scalars(query.order_by(Incident.severity, Incident.id.desc())))

    def list_recent(self, limit: int = 20) -> list[Incident]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Incident).order_by(Incident.id.desc()).limit(limit)))

    def tasks_of(self, person_key: str) -> list[Task]:
        """What a person still has to do, what is due first first."""
        query = sa.select(Task).where(Task.owner == person_key, Task.done_at.is_(None), Task.dropped.is_(False))
        with self.database.read() as session:
            return list(session.scalars(query.order_by(Task.due_at.is_(None), Task.due_at, Task.id)))

    def timeline(self, incident_id: int) -> list[LedgerEntry]:
        with self.database.read() as session:
            self._known(session, incident_id)
            return ledger.read_timeline(session, incident_id)

    def known_severity(self, word: str) -> SeverityName:
        known = known_word(word.upper(), tuple(self.policy.severities), "a severity", "P1")
        return next(name for name in self.policy.severities if name == known)

    def _known_category(self, word: str | None, title: str) -> str:
        """The category as named; where none is, the one that the title speaks of, else the policy's first."""
        if word is None:
            spoken = title.lower()
            return next((key for key in self.policy.categories if key in spoken), next(iter(self.policy.categories)))
        return known_word(word, tuple(self.policy.categories), "a category", "database")

    def _refuse_twin(self, session: Session, severity: SeverityName, title: str, now: datetime) -> None:
        query = sa.select(Incident).where(
            Incident.severity == severity,
            Incident.title == title,
            Incident.resolved_at.is_(None),
            Incident.declared_at > now - SAME_AGAIN_WITHIN,
        )
        twin = session.scalar(query.order_by(Incident.id.desc()))
        if twin is not None:
            session.expunge(twin)  # the refusal undoes the transaction, after which it could not be read
            raise SameAgain(twin)

    def _known(self, session: Session, incident_id: int, *, with_for_update: bool = False) -> Incident:
        is_possible = 0 < incident_id <= LARGEST_NUMBER
        incident = session.get(Incident, incident_id, with_for_update=with_for_update) if is_possible else None
        if incident is None:
            raise Refused(f"There is no incident #{incident_id}.", "`/incident list` shows the open ones.")
        return incident

    def _open(self, session: Session, incident_id: int) -> Incident:
        incident = self._known(session, incident_id, with_for_update=True)
        if not incident.is_open:
            raise Refused(
                f"#{incident.id} is resolved; nothing was changed.",
                "Add a note with `/incident note`, or declare a new incident.",
            )
        return incident

    def _record(
        self,
        session: Session,
        incident: Incident,
        kind: str,
        actor: str,
        text: str,
        data: dict[str, JsonValue] | None = None,
        at: datetime | None = None,
    ) -> LedgerEntry:
        return ledger.append(
            session, kind=kind, actor=actor, text=text, data=data,
            at=at or self.clock(), incident_id=incident.id,
        )  # fmt: skip

    def _tell(self, session: Session, incident: Incident, change: Change) -> None:
        session.flush()
        for listener in self.listeners:
            listener(session, incident, change)


def known_word(word: str, known: tuple[str, ...], what: str, example: str) -> str:
    """`word` if it is one of `known`; otherwise `Refused`, naming the nearest."""
    if word in known:
        return word
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise Refused(f"{word[:60]!r} is not {what}: {', '.join(known)}.{hint}", f"Example: {example}.")


def clean_line(text: str, what: str, limit: int, example: str) -> str:
    """One line of text with single spaces, cut at `limit`; `Refused` when empty."""
    line = " ".join(clean_text(text, what, example).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clean_text(text: str, what: str, example: str) -> str:
    """Text as it was written, within bounds; `Refused` when nothing in it can be seen."""
    cleaned = _bounded(text)
    if not any(map(_is_visible, cleaned)):
        raise Refused(f"{what.capitalize()} is missing.", f"Example: {example}")
    return cleaned


def _bounded(text: str) -> str:
    """Without control characters, which databases and terminals take badly; cut with notice."""
    lines = "\n".join(text.splitlines())
    text = "".join(sign for sign in lines if sign in "\n\t" or _is_kept(sign)).strip()
    if len(text) <= TEXT_LIMIT:
        return text
    return text[:TEXT_LIMIT] + f" … (cut: {len(text):,} characters given, {TEXT_LIMIT:,} kept)"


def _is_kept(sign: str) -> bool:
    return unicodedata.category(sign) not in NEVER_KEPT and sign not in TURNING


def _is_visible(sign: str) -> bool:
    """Neither a space nor a mark that only shapes its neighbours, such as a joiner."""
    return not sign.isspace() and unicodedata.category(sign) != "Cf"
