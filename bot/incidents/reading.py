"""Reading incidents: the one place that knows who may know of which."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.outcome import Refused
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, IncidentMember, LedgerEntry

LARGEST_NUMBER = 2**31 - 1
"""What a number in both databases can be."""
FOUND = 20
SEARCHED = ("incident.update", "incident.note", "incident.pin", "incident.pin_edited", "incident.resolved")
"""Entries whose words are searched besides titles, impact and next steps."""


class Reading:
    """Incidents as a person sees them; as the bot itself does where `viewer` is None.

    A private incident is, for those who are not its members, not there at all.
    """

    def __init__(self, database: Database, viewer: str | None = None) -> None:
        self.database, self.viewer = database, viewer

    def find(self, incident_id: int) -> Incident:
        """Raises `Refused` where there is no such incident."""
        with self.database.read() as session:
            return find_visible(session, incident_id, self.viewer)

    def by_channel(self, channel_id: str) -> Incident | None:
        with self.database.read() as session:
            return session.scalar(self.visible.where(Incident.channel_id == channel_id))

    def list_open(self) -> list[Incident]:
        """Open incidents, the most severe and then the newest first."""
        query = self.visible.where(Incident.resolved_at.is_(None))
        with self.database.read() as session:
            return list(session.scalars(query.order_by(Incident.severity, Incident.id.desc())))

    def list_recent(self, limit: int = 20) -> list[Incident]:
        with self.database.read() as session:
            return list(session.scalars(self.visible.order_by(Incident.id.desc()).limit(limit)))

    def timeline(self, incident_id: int) -> list[LedgerEntry]:
        """Its entries, those of incidents that turned out to be the same between them."""
        with self.database.read() as session:
            find_visible(session, incident_id, self.viewer)
            return ledger.read_timeline(session, *list_same(session, incident_id))

    def search(self, words: str) -> list[Incident]:
        """Incidents in whose title, impact, updates or notes the words are found; the newest first."""
        like = [_contains(word) for word in words.split()]
        if not like:
            raise Refused("What is to be found?", "Example: `/incident search scanner`.")
        query = self.visible.order_by(Incident.id.desc()).limit(FOUND)
        for pattern in like:
            query = query.where(_mentions(pattern))
        with self.database.read() as session:
            return list(session.scalars(query))

    @property
    def visible(self) -> sa.Select[Incident]:
        """A query for the incidents that may be seen."""
        return only_visible(sa.select(Incident), self.viewer)


def seen_by(
    incident_id: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], viewer: str | None
) -> sa.ColumnElement[bool]:
    """A condition: what belongs to that incident, or to none, may be shown to the viewer."""
    if viewer is None:
        return sa.true()
    mine = sa.select(IncidentMember.incident_id).where(IncidentMember.person == viewer)
    hidden = sa.select(Incident.id).where(Incident.private, Incident.id.not_in(mine))
    return sa.or_(incident_id.is_(None), incident_id.not_in(hidden))


def sees(session: Session, incident_id: int | None, viewer: str | None) -> bool:
    """Whether what belongs to that incident, or to none, may be shown to the viewer."""
    if incident_id is None or viewer is None:
        return True
    return session.scalar(only_visible(sa.select(Incident).where(Incident.id == incident_id), viewer)) is not None


def only_visible(query: sa.Select[Incident], viewer: str | None) -> sa.Select[Incident]:
    """Those of the incidents that the viewer may know of."""
    if viewer is None:
        return query
    mine = sa.select(IncidentMember.incident_id).where(IncidentMember.person == viewer)
    return query.where(sa.or_(Incident.private.is_(False), Incident.id.in_(mine)))


def find_visible(session: Session, incident_id: int, viewer: str | None, *, lock: bool = False) -> Incident:
    """The incident. Raises `Refused`, whether there is none or the viewer may not know of it."""
    incident = None
    if 0 < incident_id <= LARGEST_NUMBER:
        query = only_visible(sa.select(Incident).where(Incident.id == incident_id), viewer)
        incident = session.scalar(query.with_for_update() if lock else query)
    if incident is None:
        raise Refused(f"There is no incident #{incident_id}.", "`/incident list` shows the open ones.")
    return incident


def list_same(session: Session, incident_id: int) -> list[int]:
    """The incident's number, and those of all that were merged into it."""
    found, new = [incident_id], [incident_id]
    while new:
        new = list(session.scalars(sa.select(Incident.id).where(Incident.merged_into_id.in_(new))))
        found += new
    return found


def _mentions(pattern: str) -> sa.ColumnElement[bool]:
    said = sa.select(LedgerEntry.incident_id).where(LedgerEntry.kind.in_(SEARCHED), _like(LedgerEntry.text, pattern))
    fields = (Incident.title, Incident.impact, Incident.next_steps)
    return sa.or_(*(_like(field, pattern) for field in fields), Incident.id.in_(said))


def _like(column: InstrumentedAttribute[str], pattern: str) -> sa.ColumnElement[bool]:
    return column.ilike(pattern, escape="\\")


def _contains(word: str) -> str:
    """A pattern in which the word's own wildcards mean themselves."""
    for sign in ("\\", "%", "_"):
        word = word.replace(sign, f"\\{sign}")
    return f"%{word}%"
