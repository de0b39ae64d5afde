"""Who may know of a private incident."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.incidents.changes import Changes, Changing
from bot.outcome import Refused
from bot.store import ledger
from bot.store.tables import Incident, IncidentMember


class Members:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def begin(self, change: Changing) -> None:
        """The first members: who declared it, and whom the category names."""
        policy, incident = self.changes.policy, change.incident
        named = policy.holders_of(*policy.categories[incident.category].private_roles)
        first = [person.key for person in named]
        if policy.person(incident.declared_by):
            first.insert(0, incident.declared_by)
        let_in(change.session, incident, first, added_by=change.actor, changes=self.changes)

    def add(self, incident_id: int, *, actor: str, person: str) -> Incident:
        """Let a person know of it. Raises `Refused` where it is not private, or they do already."""
        holder = self.changes.policy.person(person)
        if holder is None:
            raise Refused(f"{person!r} is not among the people of the policy.", "`holdfast policy show` lists them.")
        with self.changes.to_any(incident_id, actor) as change:
            _require_private(change.incident)
            if not let_in(change.session, change.incident, [person], added_by=actor, changes=self.changes):
                raise Refused(f"{holder.name} is a member already.", "Nothing was changed.")
            change.tell("privacy")
            return change.incident

    def remove(self, incident_id: int, *, actor: str, person: str) -> Incident:
        """Raises `Refused` for somebody who is no member, and for the last one."""
        with self.changes.to_any(incident_id, actor) as change:
            _require_private(change.incident)
            members = list_members(change.session, incident_id)
            holder = self.changes.policy.person(person)
            name = holder.name if holder else person
            if person not in members:
                raise Refused(f"{name} is not a member of #{incident_id}.", "Nothing was changed.")
            if len(members) == 1:
                raise Refused(f"{name} is the last member of #{incident_id}.", "Add somebody else first.")
            change.session.delete(change.session.get_one(IncidentMember, (incident_id, person)))
            change.record("incident.member", f"{name} is no longer a member", {"removed": person})
            change.tell("privacy")
            return change.incident

    def of(self, incident_id: int) -> list[str]:
        """Keys of its members, the first ones first."""
        with self.changes.database.read() as session:
            return list_members(session, incident_id)


def let_in(
    session: Session, incident: Incident, people: Iterable[str], *, added_by: str, changes: Changes, why: str = ""
) -> list[str]:
    """Make those members who are not, each with an entry; who became one. Of other incidents everybody may know."""
    if not incident.private:
        return []
    there = set(list_members(session, incident.id))
    new = [key for key in dict.fromkeys(people) if key not in there]
    for key in new:
        person = changes.policy.person(key)
        session.add(IncidentMember(incident_id=incident.id, person=key, added_by=added_by, since=changes.clock()))
        ledger.append(
            session, kind="incident.member", actor=added_by, at=changes.clock(), incident_id=incident.id,
            text=f"{person.name if person else key} is a member" + (f": {why}" if why else ""), data={"added": key},
        )  # fmt: skip
    session.flush()
    return new


def list_members(session: Session, incident_id: int) -> list[str]:
    query = sa.select(IncidentMember.person).where(IncidentMember.incident_id == incident_id)
    return list(session.scalars(query.order_by(IncidentMember.since, IncidentMember.person)))


def require_member(change: Changing, person: str) -> None:
    """Raises `Refused` where somebody is to do something in a private incident that they may not know of."""
    incident = change.incident
    if incident.private and person not in list_members(change.session, incident.id):
        who = change.changes.policy.person(person)
        raise Refused(
            f"{who.name if who else person} is not a member of #{incident.id}, which is private.",
            f"`/incident members add @{person}` first.",
        )


def _require_private(incident: Incident) -> None:
    if not incident.private:
        raise Refused(f"#{incident.id} is not private; everybody in the policy may know of it.", "Nothing was changed.")
