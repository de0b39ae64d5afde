"""Who is in an incident's room: inviting them, with what Slack makes of it.

Slack's rules for invitations: api.slack.com/methods/conversations.invite.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from slack_sdk import WebClient

from bot.comms.pages import PAGED
from bot.incidents.members import list_members
from bot.incidents.on_call import OnCall
from bot.policy import Person, Policy
from bot.slack.client import SlackRefusal, call
from bot.slack.directory import Directory
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident

Guest = tuple[str, str | None]
"""Name and Slack user of somebody who is to be in the room; the user is None where unknown."""


class Invitations:
    """Finds out who belongs into a room, and brings them there."""

    def __init__(
        self, database: Database, policy: Policy, client: WebClient, directory: Directory, on_call: OnCall
    ) -> None:
        self.database, self.policy, self.client, self.directory = database, policy, client, directory
        self.on_call = on_call

    def list_guests(self, incident: Incident) -> list[Guest]:
        """Everybody whom the policy wants in the room: of a private incident its members, nobody else."""
        return self.look_up(self._members(incident) if incident.private else self._invitees(incident))

    def list_on_call(self, incident: Incident) -> list[Guest]:
        """Those on call who are not invited for their role anyway; to the gravest only, and to no private room.

        May take as long as a schedule elsewhere takes to answer.
        """
        if incident.private or incident.severity not in PAGED:
            return []
        roles = dict.fromkeys([*self.policy.slack.invite_roles[incident.severity], *self.policy.on_call])
        people = {duty.person.key: duty.person for duty in self.on_call.find_each(roles) if duty.person}
        invited = {person.key for person in self._invitees(incident)}
        return self.look_up([person for key, person in people.items() if key not in invited])

    def look_up(self, people: list[Person]) -> list[Guest]:
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(lambda person: (person.name, self.directory.slack_id(person)), people))

    def invite(self, incident: Incident, channel_id: str, guests: list[Guest]) -> None:
        """Raises `SlackUnavailable`; who could not be invited is said on the timeline."""
        users = [user for _, user in guests if user]
        missing = [name for name, user in guests if not user]
        try:
            if users:
                call(self.client.conversations_invite, channel=channel_id, users=",".join(users))
        except SlackRefusal:  # a batch is all or nothing
            missing += [name for name, user in guests if user and not self._invite_one(channel_id, user)]
        if missing:
            self._say_missing(incident.id, missing)

    def remove(self, channel_id: str, person: Person) -> None:
        """Take somebody out; nothing where they are not in it."""
        user = self.directory.find_slack_id(person)
        if user:
            call(self.client.conversations_kick, channel=channel_id, user=user)

    def _members(self, incident: Incident) -> list[Person]:
        with self.database.read() as session:
            keys = list_members(session, incident.id)
        return [person for key in keys if (person := self.policy.person(key))]

    def _invitees(self, incident: Incident) -> list[Person]:
        people = {person.key: person for person in self.policy.invitees(incident.severity)}
        declarer = self.policy.person(incident.declared_by)
        if declarer:
            people[declarer.key] = declarer
        return list(people.values())

    def _invite_one(self, channel_id: str, user: str) -> bool:
        try:
            call(self.client.conversations_invite, channel=channel_id, users=user)
        except SlackRefusal as refusal:
            return refusal.code in {"already_in_channel", "cant_invite_self"}
        return True

    def _say_missing(self, incident_id: int, names: list[str]) -> None:
        text = f"Could not be invited: {', '.join(names)}"
        with self.database.write() as session:
            ledger.append(
                session, key=f"room.missing:{incident_id}:{','.join(sorted(names))}", kind="incident.room",
                actor="holdfast", text=text, incident_id=incident_id,
            )  # fmt: skip
