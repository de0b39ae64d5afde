"""Bulletins: what the audiences of an incident are told, each a statement in the document's template.

Those within hear at once. What goes to the public is a draft until somebody who may publish has looked at it.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.audiences import Audiences
from bot.comms.notices import Address, Notices, incident_room
from bot.comms.outages import said_affected
from bot.comms.outgoing import BULLETIN
from bot.comms.public_record import find_draft, find_newest
from bot.comms.wording import EXAMPLES, OPERATIONAL, Wording, reword
from bot.incidents.reading import LARGEST_NUMBER, list_same
from bot.incidents.text import clean_text
from bot.outcome import Refused
from bot.policy import Person, Policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import BulletinStage, Statement
from bot.store.tables import Bulletin, Delivery, Incident, IncidentRole, Notice

COORDINATOR = "dr_coordinator"
IMPAIRED = {"P1": "major_outage", "P2": "partial_outage", "P3": "degraded_performance", "P4": "degraded_performance"}
"""State in which a component of an incident is said to be, in Statuspage's words, unless somebody says another."""
HEARD_BY_ALL: tuple[BulletinStage, ...] = ("severity", "resolved")
DEFAULT_TEXT = {
    "declared": "We are looking into it.",
    "update": "We go on working on it.",
    "severity": "The severity has changed.",
    "resolved": "The incident is over.",
}
Published = Callable[[Session, Bulletin], None]


class Bulletins:
    """Makes, publishes and discards bulletins; tells its listeners in the same transaction what went out."""

    def __init__(self, database: Database, policy: Policy, notices: Notices, audiences: Audiences) -> None:
        self.database, self.policy, self.notices, self.audiences = database, policy, notices, audiences
        self.clock = notices.clock
        self.published: list[Published] = []

    def prepare(
        self, session: Session, incident: Incident, stage: BulletinStage, *, actor: str, text: str = ""
    ) -> None:
        """Tell those within at once, and draft what the public is told. Of private incidents nobody is told."""
        if incident.private:
            return
        statement = self.state(session, incident, stage, text)
        within = self._list_audiences(session, incident, stage, public=False)
        if within:
            self._send(session, self._keep(session, incident, stage, within, statement, actor, "published"))
        public = self._list_audiences(session, incident, stage, public=True)
        if public and not incident.drill:
            self._draft(session, incident, stage, public, statement, actor)

    def draft(self, incident_id: int, *, actor: str, text: str = "") -> Bulletin:
        """The draft that waits, or one of how things stand now; a new one in any case where `text` is given.

        Raises `Refused` where the public may not hear of it.
        """
        text = clean_text(text, "the text", EXAMPLES["text"]) if text else ""
        with self.database.write() as session:
            incident = session.get(Incident, incident_id, with_for_update=True)
            if incident is None:
                raise Refused(f"There is no incident #{incident_id}.", "`/incident list` shows the open ones.")
            _require_public(incident)
            waiting = None if text else find_draft(session, incident_id)
            if waiting and _is_of_now(incident, waiting):
                return waiting
            return self._draft_now(session, incident, actor, text or incident.last_update)

    def publish(self, bulletin_id: int, *, person: Person, wording: Wording) -> Bulletin:
        """Let a draft go out as worded. Raises `Refused` where the person may not, or it was decided before."""
        with self.database.write() as session:
            bulletin = self._pending(session, bulletin_id)
            self.require_publisher(person)
            incident = session.get_one(Incident, bulletin.incident_id)
            _require_public(incident)
            _require_same_stage(incident, bulletin)
            bulletin.statement = reword(
                bulletin.statement, wording, stage=bulletin.stage, known=self.policy.components,
                affected=said_affected(session, incident.id), status=incident.status, at=self.clock(),
            )  # fmt: skip
            self._decide(session, bulletin, person.key, "published")
            self._send(session, bulletin)
            return bulletin

    def discard(self, bulletin_id: int, *, person: Person) -> Bulletin:
        """Say nothing to the public this time."""
        with self.database.write() as session:
            bulletin = self._pending(session, bulletin_id)
            self.require_publisher(person)
            self._decide(session, bulletin, person.key, "discarded")
            return bulletin

    def find(self, bulletin_id: int) -> Bulletin:
        """Raises `Refused` where there is none."""
        with self.database.read() as session:
            return self._known(session, bulletin_id)

    def drop_drafts(self, session: Session, incident: Incident) -> None:
        """Drafts that nobody has decided about are out of date."""
        older = sa.select(Bulletin).where(Bulletin.incident_id == incident.id, Bulletin.state == "draft")
        for bulletin in session.scalars(older):
            self._close(session, bulletin, "holdfast", "discarded")

    def tidy(self, session: Session, incident: Incident) -> None:
        """The incident is closed. A draft still says something only to a public that has heard of it."""
        if not any(self.policy.audiences[key].public for key in self._list_heard(session, incident)):
            self.drop_drafts(session, incident)

    def find_waiting(self, bulletin_id: int) -> Bulletin:
        """Raises `Refused` where it was decided about already."""
        with self.database.read() as session:
            bulletin = self._known(session, bulletin_id)
            self._require_draft(bulletin)
            return bulletin

    def list_all(self, incident_id: int) -> list[Bulletin]:
        """Everything that was said, or is to be, about an incident, the oldest first."""
        with self.database.read() as session:
            mine = sa.select(Bulletin).where(Bulletin.incident_id == incident_id)
            return list(session.scalars(mine.order_by(Bulletin.id)))

    def may_publish(self, person: Person) -> bool:
        return bool(set(self.policy.updates.publishers) & set(person.roles))

    def require_publisher(self, person: Person) -> None:
        """Raises `Refused` for those who may not speak to the public."""
        if not self.may_publish(person):
            titles = " or ".join(self.policy.roles[role].title for role in self.policy.updates.publishers)
            raise Refused(f"Only the {titles} may publish to the public.", "Ask one of them to press it.")

    def state(self, session: Session, incident: Incident, stage: BulletinStage, text: str = "") -> Statement:
        """How things stand, field by field; of what is over, nothing that was still to come."""
        role = session.get(IncidentRole, (incident.id, COORDINATOR))
        coordinator = self.policy.person(role.person) if role else None
        return Statement(
            title=incident.title,
            severity=incident.severity,
            severity_title=self.policy.severities[incident.severity].title,
            drill=incident.drill,
            detected_at=incident.detected_at,
            impact=incident.impact,
            components={key: _state_of(incident, stage) for key in _list_affected(incident)},
            status=incident.status,
            text=text or DEFAULT_TEXT[stage],
            next_steps="" if stage == "resolved" else incident.next_steps,
            estimated_recovery="" if stage == "resolved" else incident.estimated_recovery,
            coordinator=coordinator.name if coordinator else "",
            at=self.clock(),
        )

    def _list_audiences(
        self, session: Session, incident: Incident, stage: BulletinStage, *, public: bool
    ) -> list[str]:  # fmt: skip
        """Whom a severity concerns; of its change and of the end hear also those who were told at a higher one."""
        told = self.audiences.told_of(incident.severity, public=public)
        if stage not in HEARD_BY_ALL:
            return told
        heard = self._list_heard(session, incident)
        return told + [key for key in heard if key not in told and self.policy.audiences[key].public is public]

    def _list_heard(self, session: Session, incident: Incident) -> list[str]:
        """Keys of those who have been told of an incident, or of one that is part of it; as far as the policy knows."""
        same = Bulletin.incident_id.in_(list_same(session, incident.id))
        published = sa.select(Bulletin).where(same, Bulletin.state == "published")
        heard = [key for bulletin in session.scalars(published.order_by(Bulletin.id)) for key in bulletin.audiences]
        return [key for key in dict.fromkeys(heard) if key in self.policy.audiences]

    def _draft_now(self, session: Session, incident: Incident, actor: str, text: str) -> Bulletin:
        told = find_newest(session, incident.id)
        stage: BulletinStage = "resolved" if not incident.is_open else "update" if told else "declared"
        public = self._list_audiences(session, incident, stage, public=True)
        if not public:
            raise Refused(
                f"The public is not told of {incident.severity}.", "`severities` in the policy says who is told."
            )
        return self._draft(session, incident, stage, public, self.state(session, incident, stage, text), actor)

    def _draft(
        self, session: Session, incident: Incident, stage: BulletinStage, public: list[str], statement: Statement,
        actor: str,
    ) -> Bulletin:  # fmt: skip
        """In place of the one that waits. The title and the components stay as the public heard them last, as does
        what it was told of impact, next steps and recovery, where the incident itself says nothing of them.
        """
        said = said_affected(session, incident.id)
        named = {} if stage == "resolved" else statement.components
        components = {**named, **(dict.fromkeys(said, OPERATIONAL) if stage == "resolved" else said)}
        told = find_newest(session, incident.id)
        kept = _keep_heard(statement, told.statement, stage) if told else {}
        statement = statement.model_copy(update={**kept, "components": components})
        self.drop_drafts(session, incident)
        bulletin = self._keep(session, incident, stage, public, statement, actor, "draft")
        self._show(session, bulletin)
        return bulletin

    def _keep(
        self, session: Session, incident: Incident, stage: BulletinStage, audiences: list[str], statement: Statement,
        actor: str, state: str,
    ) -> Bulletin:  # fmt: skip
        bulletin = Bulletin(
            incident_id=incident.id, stage=stage, audiences=audiences, statement=statement, state=state,
            made_by=actor, made_at=self.clock(),
        )  # fmt: skip
        session.add(bulletin)
        session.flush()
        return bulletin

    def _send(self, session: Session, bulletin: Bulletin) -> None:
        severity = next(name for name in self.policy.severities if name == bulletin.statement.severity)
        addresses = [one for key in bulletin.audiences for one in self.audiences.addresses(key, severity)]
        within = not all(self.policy.audiences[key].public for key in bulletin.audiences)
        if within and bulletin.stage == "resolved":  # at a lower severity than before, too: what rings must stop
            addresses += self._list_paged(session, bulletin.incident_id)
        self.notices.say(
            session, BULLETIN, key=f"bulletin:{bulletin.id}", to=list(dict.fromkeys(addresses)),
            incident_id=bulletin.incident_id, subject_id=bulletin.id,
        )  # fmt: skip
        for listener in self.published:
            listener(session, bulletin)

    def _list_paged(self, session: Session, incident_id: int) -> list[Address]:
        """Pagers that were told of the incident."""
        pagers = self.audiences.pagers()
        query = (
            sa.select(Delivery.channel)
            .join(Notice, Notice.id == Delivery.notice_id)
            .where(Notice.incident_id == incident_id, Notice.kind == BULLETIN)
        )
        told = set(session.scalars(query))
        return [one for one in pagers if one.channel in told]

    def _show(self, session: Session, bulletin: Bulletin) -> None:
        """The draft in the incident's channel, with buttons."""
        self.notices.say(
            session, "bulletin_draft", key=draft_key(bulletin), to=[incident_room(bulletin.incident_id)],
            incident_id=bulletin.incident_id, subject_id=bulletin.id,
        )  # fmt: skip
        self.notices.refresh(session, f"summary:{bulletin.incident_id}")

    def _decide(self, session: Session, bulletin: Bulletin, actor: str, state: str) -> None:
        self._close(session, bulletin, actor, state)
        whom = ", ".join(self.policy.audiences[key].title for key in bulletin.audiences)
        words = (
            f"Published to {whom}: {bulletin.statement.text}" if state == "published" else f"Not published to {whom}"
        )
        ledger.append(
            session, key=f"bulletin:{bulletin.id}", kind=f"bulletin.{state}", actor=actor, text=words,
            incident_id=bulletin.incident_id, data={"bulletin": bulletin.id},
        )  # fmt: skip

    def _close(self, session: Session, bulletin: Bulletin, actor: str, state: str) -> None:
        bulletin.state, bulletin.decided_by, bulletin.decided_at = state, actor, self.clock()
        session.flush()
        self.notices.refresh(session, draft_key(bulletin), f"summary:{bulletin.incident_id}")

    def _pending(self, session: Session, bulletin_id: int) -> Bulletin:
        bulletin = self._known(session, bulletin_id)
        # The incident first, as the desk locks it: whoever changes it may supersede this draft.
        session.get_one(Incident, bulletin.incident_id, with_for_update=True)
        ledger.hold(session)  # before any notice, as whoever puts an update off does
        session.refresh(bulletin, with_for_update=True)
        self._require_draft(bulletin)
        return bulletin

    def _require_draft(self, bulletin: Bulletin) -> None:
        if bulletin.state != "draft":
            who = self.policy.person(bulletin.decided_by or "")
            how = f" by {who.name}" if who else "; a newer one took its place"
            raise Refused(
                f"This draft was {bulletin.state} already{how}.",
                "Nothing went out now. `/incident publish` opens what is up to date.",
            )

    def _known(self, session: Session, bulletin_id: int) -> Bulletin:
        bulletin = session.get(Bulletin, bulletin_id) if 0 < bulletin_id <= LARGEST_NUMBER else None
        if bulletin is None:
            raise Refused(f"There is no bulletin {bulletin_id}.", "`/incident update` makes one.")
        return bulletin


def _keep_heard(now: Statement, told: Statement, stage: BulletinStage) -> dict[str, str]:
    """What stays as the public heard it last: a reader must not learn that the impact is "not known yet" again."""
    kept = {"title": told.title, "impact": now.impact or told.impact}
    if stage == "resolved":
        return kept
    return {
        **kept,
        "next_steps": now.next_steps or told.next_steps,
        "estimated_recovery": now.estimated_recovery or told.estimated_recovery,
    }


def draft_key(bulletin: Bulletin) -> str:
    """Key of the notice that shows a draft."""
    return f"bulletin-draft:{bulletin.id}"


def _list_affected(incident: Incident) -> list[str]:
    """Those of what was merged stay as they are: the other incident speaks for them now."""
    return [] if incident.merged_into_id else incident.components


def _state_of(incident: Incident, stage: BulletinStage) -> str:
    return OPERATIONAL if stage == "resolved" else IMPAIRED[incident.severity]


def _require_public(incident: Incident) -> None:
    if incident.private:
        raise Refused(f"#{incident.id} is private: nothing of it leaves its members.", "Nothing went out.")
    if incident.drill:
        raise Refused(f"#{incident.id} is a drill: the public is never told.", "Nothing went out.")


def _require_same_stage(incident: Incident, bulletin: Bulletin) -> None:
    if _is_of_now(incident, bulletin):
        return
    now = "open again" if incident.is_open else "resolved by now"
    raise Refused(
        f"#{incident.id} is {now}, and this draft says otherwise. Nothing went out.",
        "`/incident update` makes a new draft.",
    )


def _is_of_now(incident: Incident, bulletin: Bulletin) -> bool:
    """What a draft says of the end must be true when it goes out."""
    return incident.is_open != (bulletin.stage == "resolved")
