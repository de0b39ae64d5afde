"""Who sees to an incident's updates, and the line upwards from there (policy: `updates.responsible`)."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.incidents.on_call import OnCall
from bot.policy import Policy
from bot.store.tables import Incident, IncidentMember, IncidentRole

Duties = Mapping[str, str]
"""Who is on call, person by role."""


NOBODY = "nobody"
"""Where nobody is responsible; what is for them is said in the channel."""


def look_up_duties(policy: Policy, on_call: OnCall) -> Duties:
    """Who is on call for the roles that see to updates. May wait for a schedule elsewhere."""
    found = on_call.find_each(policy.updates.responsible)
    return {duty.role: duty.person.key for duty in found if duty.person}


def find_line(session: Session, policy: Policy, incident: Incident, duties: Duties) -> list[str]:
    """Keys of people: the one responsible, then those up the line, each once.

    Responsible is who holds the first of the roles that is held; while none is, whoever is on call for the first, and
    at last who declared the incident. Of a private incident only members are named, or `NOBODY`.
    """
    roles = policy.updates.responsible
    held = {row.role: row.person for row in _read_roles(session, incident)}
    first = next((held[role] for role in roles if role in held), None)
    line = [first] if first else []
    line += [person for role in roles if (person := held.get(role) or duties.get(role))]
    allowed = _list_allowed(session, incident)
    named = [key for key in dict.fromkeys(line) if policy.person(key) and (allowed is None or key in allowed)]
    if named:
        return named
    return [incident.declared_by if allowed is None or incident.declared_by in allowed else NOBODY]


def may_know(session: Session, incident: Incident, person: str) -> bool:
    """Whether somebody may know of an incident; of a private one only its members."""
    allowed = _list_allowed(session, incident)
    return allowed is None or person in allowed


def _list_allowed(session: Session, incident: Incident) -> set[str] | None:
    if not incident.private:
        return None
    query = sa.select(IncidentMember.person).where(IncidentMember.incident_id == incident.id)
    return set(session.scalars(query))


def _read_roles(session: Session, incident: Incident) -> list[IncidentRole]:
    return list(session.scalars(sa.select(IncidentRole).where(IncidentRole.incident_id == incident.id)))
