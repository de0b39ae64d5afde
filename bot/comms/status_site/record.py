"""What the status page shows, read from the store: public bulletins, and outages of components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.outgoing import find_next_update
from bot.comms.public_record import select_public
from bot.comms.status_site.uptime import Stretch, Uptime, measure_uptime, worst_of
from bot.policy import Policy
from bot.store.documents import Statement
from bot.store.tables import Bulletin, ComponentOutage, Incident


@dataclass(frozen=True)
class ComponentRecord:
    """A component as it stands now, and its last 90 days."""

    key: str
    title: str
    state: str
    uptime: Uptime


@dataclass(frozen=True)
class IncidentRecord:
    """An incident as the public was told of it; `updates` are the newest first."""

    id: int
    updates: list[Statement]
    merged_into_id: int | None
    next_update_at: datetime | None = None
    """By when the public is to hear again; None where nothing is planned."""

    @property
    def latest(self) -> Statement:
        return self.updates[0]

    @property
    def began_at(self) -> datetime:
        """When the public first heard of it."""
        return self.updates[-1].at

    @property
    def is_open(self) -> bool:
        """Told of and not told to be over; what became part of another is told of there."""
        return self.latest.status != "resolved" and self.merged_into_id is None

    @property
    def affected(self) -> list[str]:
        """Keys of the components that were said to be impaired, in the order in which that was said."""
        said = [key for update in reversed(self.updates) for key, state in update.components.items() if _is_bad(state)]
        return list(dict.fromkeys(said))


@dataclass(frozen=True)
class Record:
    """Everything on the page, as of `at`. Incidents are the newest first."""

    at: datetime
    components: list[ComponentRecord]
    incidents: list[IncidentRecord]

    @property
    def open_incidents(self) -> list[IncidentRecord]:
        return [one for one in self.incidents if one.is_open]

    @property
    def overall(self) -> str:
        """The worst state of a component."""
        return worst_of(one.state for one in self.components)


def read_record(session: Session, policy: Policy, shown: list[str], at: datetime) -> Record:
    """`shown`: keys of the components that the page shows; all of the policy's where the list is empty."""
    public = {key for key, one in policy.audiences.items() if one.public and "status_page" in one.ways}
    found: dict[int, list[Bulletin]] = {}
    for bulletin in session.scalars(select_public()):
        if public & set(bulletin.audiences):
            found.setdefault(bulletin.incident_id, []).append(bulletin)
    incidents = [_read_incident(session, number, told, public) for number, told in found.items()]
    incidents.sort(key=lambda one: (one.began_at, one.id), reverse=True)
    return Record(at, list(_read_components(session, policy, shown or list(policy.components), at)), incidents)


def _read_incident(session: Session, number: int, told: list[Bulletin], public: set[str]) -> IncidentRecord:
    merged_into_id = session.get_one(Incident, number).merged_into_id
    due_at = find_next_update(session, number, public)
    return IncidentRecord(number, [one.statement for one in reversed(told)], merged_into_id, due_at)


def _read_components(session: Session, policy: Policy, shown: list[str], at: datetime) -> Iterator[ComponentRecord]:
    public = (Incident.private.is_(False), Incident.drill.is_(False))
    rows = sa.select(ComponentOutage).join(Incident, Incident.id == ComponentOutage.incident_id).where(*public)
    outages = list(session.scalars(rows))
    for key in shown:
        mine = [one for one in outages if one.component == key]
        stretches = [Stretch(one.status, one.began_at, one.ended_at) for one in mine]
        state = worst_of(one.status for one in mine if one.ended_at is None)
        yield ComponentRecord(key, policy.components[key].title, state, measure_uptime(stretches, at))


def _is_bad(state: str) -> bool:
    return state != "operational"
