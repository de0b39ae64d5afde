"""Roles: claimed, assigned and given up, by those whom the policy lets hold them."""

from __future__ import annotations

from pydantic import JsonValue

from bot.incidents.changes import Changes
from bot.incidents.members import require_member
from bot.incidents.text import known_key
from bot.outcome import Refused
from bot.policy import Person, Policy
from bot.store.tables import Incident, IncidentRole


class Roles:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def assign(self, incident_id: int, *, actor: str, role: str, person: str) -> Incident:
        """Give a role to a person; the former holder gives way. Raises `Refused` where the policy does not let them."""
        policy = self.changes.policy
        role = known_role(policy, role)
        holder = policy.person(person)
        if holder is None:
            raise Refused(f"{person!r} is not among the people of the policy.", "`holdfast policy show` lists them.")
        _require_eligible(policy, holder, role)
        with self.changes.to(incident_id, actor) as change:
            require_member(change, person)
            row = change.session.get(IncidentRole, (incident_id, role))
            if row is not None and row.person == person:
                raise Refused(f"{holder.name} is {policy.roles[role].title} already.", "Nothing was changed.")
            before = row.person if row else ""
            if row is not None:
                change.session.delete(row)
                change.session.flush()
            change.session.add(
                IncidentRole(incident_id=incident_id, role=role, person=person, since=self.changes.clock())
            )
            data: dict[str, JsonValue] = {"role": role, "person": person, "before": before}
            change.record("incident.role", f"{holder.name} is {policy.roles[role].title}", data)
            change.tell("roles")
            return change.incident

    def give_up(self, incident_id: int, *, actor: str, role: str) -> Incident:
        """Nobody holds the role any more. Raises `Refused` where nobody did."""
        policy = self.changes.policy
        role = known_role(policy, role)
        title = policy.roles[role].title
        with self.changes.to(incident_id, actor) as change:
            row = change.session.get(IncidentRole, (incident_id, role))
            if row is None:
                raise Refused(f"Nobody is {title} of #{incident_id}.", "Nothing was changed.")
            holder = policy.person(row.person)
            change.session.delete(row)
            text = f"{holder.name if holder else row.person} is no longer {title}"
            change.record("incident.role", text, {"role": role, "person": "", "before": row.person})
            change.tell("roles")
            return change.incident


def known_role(policy: Policy, word: str) -> str:
    """The key of a role by its key or title. Raises `Refused`, naming the nearest."""
    titles = {key: role.title for key, role in policy.roles.items()}
    return known_key(word, titles, "a role", "database_admin")


def _require_eligible(policy: Policy, person: Person, role: str) -> None:
    if role not in person.roles:
        able = ", ".join(one.name for one in policy.holders_of(role)) or "nobody"
        raise Refused(
            f"The policy does not let {person.name} be {policy.roles[role].title}.",
            f"Who may: {able}. `/incident role {role} @person` assigns it.",
        )
