"""The room: an incident's own Slack channel, opened once, with the right people in it.

Slack's rules for names and invitations: api.slack.com/methods/conversations.create and …invite.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from sqlalchemy.orm import Session

from bot.comms.notices import Notices, slack_channel
from bot.comms.pages import PAGED
from bot.incidents.on_call import OnCall
from bot.policy import Policy
from bot.slack.channels import find_channel
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.directory import Directory
from bot.slack.text import cut, literal
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident

WORKFLOW = "open-room"
NAME_LIMIT = 80
TOPIC_LIMIT = 250
CLOCKS_DIFFER_BY = timedelta(minutes=5)
RETRY_S = (2.0, 5.0, 15.0, 60.0)


class Rooms:
    """Opens the channel of a new incident; where Slack will not have one, the incidents channel serves."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, client: WebClient, directory: Directory,
        on_call: OnCall,
    ) -> None:  # fmt: skip
        self.database, self.policy, self.notices = database, policy, notices
        self.client, self.directory, self.on_call = client, directory, on_call

    def open(self, incident_id: int, attempt: int) -> None:
        """The workflow. Killed anywhere it goes on; Slack being down makes it come back later."""
        with self.database.read() as session:
            incident = session.get_one(Incident, incident_id)
        try:
            with ThreadPoolExecutor(max_workers=8) as pool:
                members, on_call = pool.submit(self._members, incident), pool.submit(self._find_on_call, incident)
                channel = self._recorded(incident) or self._create(incident)
                self._record(incident_id, channel)
                if channel["name"]:
                    tidy = pool.submit(self._set_topic, incident, channel["id"])
                    missing = self._invite(channel["id"], members.result())
                    missing += self._invite(channel["id"], on_call.result())  # last: nobody waits for a schedule
                    if missing:
                        self._say_missing(incident.id, list(dict.fromkeys(missing)))
                    tidy.result()
        except SlackUnavailable:
            self._come_back(incident_id, attempt)

    def _recorded(self, incident: Incident) -> dict[str, str] | None:
        """The channel as an attempt before this one wrote it down."""
        if incident.channel_id is None:
            return None
        return {"id": incident.channel_id, "name": incident.channel_name or ""}

    def _create(self, incident: Incident) -> dict[str, str]:
        """Id and name of the channel; an empty name where Slack refused to make one."""
        for name in channel_names(self.policy.slack.channel_prefix, incident):
            try:
                channel = call(self.client.conversations_create, name=name)["channel"]
                return {"id": channel["id"], "name": channel["name"]}
            except SlackRefusal as refusal:
                if refusal.code != "name_taken":
                    return {"id": f"#{self.policy.slack.incidents_channel}", "name": "", "why": str(refusal)}
            mine = self._find_mine(name, incident.declared_at)
            if mine:
                return mine
        raise AssertionError("channel names are endless")

    def _find_mine(self, name: str, declared_at: datetime) -> dict[str, str] | None:
        """The channel of that name if we made it: then an earlier attempt was cut off before it was recorded.

        One that is older than the incident belongs to another, of a store that was lost.
        """
        channel = find_channel(self.client, name)
        if channel is None or channel.get("created", 0) < (declared_at - CLOCKS_DIFFER_BY).timestamp():
            return None
        if channel.get("creator") != call(self.client.auth_test)["user_id"]:
            return None
        return {"id": channel["id"], "name": name}

    def _record(self, incident_id: int, channel: dict[str, str]) -> None:
        with self.database.write() as session:
            incident = session.get_one(Incident, incident_id)
            incident.channel_id, incident.channel_name = channel["id"], channel["name"] or None
            text = f"Channel #{channel['name']} opened"
            if not channel["name"]:
                text = f"No channel of its own: {channel.get('why', '')}. {channel['id']} is used instead"
            ledger.append(
                session, key=f"room:{incident_id}", kind="incident.room", actor="holdfast",
                text=text, incident_id=incident_id, data={"channel": channel["id"]},
            )  # fmt: skip
            session.flush()
            self.notices.open_room(session, incident)
            self._announce(session, incident)

    def _announce(self, session: Session, incident: Incident) -> None:
        """Now that there is a room to link to: one message, right from the start."""
        lobby = slack_channel(self.policy.slack.incidents_channel)
        self.notices.say(
            session, "incident_announcement", key=f"announcement:{incident.id}", to=[lobby], incident_id=incident.id
        )

    def _members(self, incident: Incident) -> list[tuple[str, str | None]]:
        """Name and Slack user of everybody who is to be in the room; the user is None where unknown."""
        people = {person.key: person for person in self.policy.invitees(incident.severity)}
        declarer = self.policy.person(incident.declared_by)
        if declarer:
            people[declarer.key] = declarer
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(lambda person: (person.name, self.directory.slack_id(person)), people.values()))

    def _find_on_call(self, incident: Incident) -> list[tuple[str, str | None]]:
        """Those on call who are not invited for their role anyway; to the gravest only, and to no private room."""
        if incident.private or incident.severity not in PAGED:
            return []
        roles = dict.fromkeys([*self.policy.slack.invite_roles[incident.severity], *self.policy.on_call])
        duties = self.on_call.find_each(roles)
        invited = {person.key for person in self.policy.invitees(incident.severity)} | {incident.declared_by}
        people = {duty.person.key: duty.person for duty in duties if duty.person}
        return [(one.name, self.directory.slack_id(one)) for key, one in people.items() if key not in invited]

    def _invite(self, channel_id: str, members: list[tuple[str, str | None]]) -> list[str]:
        """Invite whom Slack knows; the names of the others."""
        users = [user for _, user in members if user]
        missing = [name for name, user in members if not user]
        try:
            if users:
                call(self.client.conversations_invite, channel=channel_id, users=",".join(users))
        except SlackRefusal:  # a batch is all or nothing
            missing += [name for name, user in members if user and not self._invite_one(channel_id, user)]
        return missing

    def _invite_one(self, channel_id: str, user: str) -> bool:
        try:
            call(self.client.conversations_invite, channel=channel_id, users=user)
        except SlackRefusal as refusal:
            return refusal.code in {"already_in_channel", "cant_invite_self"}
        return True

    def _say_missing(self, incident_id: int, names: list[str]) -> None:
        with self.database.write() as session:
            ledger.append(
                session, key=f"room.missing:{incident_id}", kind="incident.room", actor="holdfast",
                text=f"Could not be invited: {', '.join(names)}", incident_id=incident_id,
            )  # fmt: skip

    def _set_topic(self, incident: Incident, channel_id: str) -> None:
        topic = cut(literal(f"{incident.severity} · {incident.title}"), TOPIC_LIMIT)
        _attempt(lambda: call(self.client.conversations_setTopic, channel=channel_id, topic=topic))

    def _come_back(self, incident_id: int, attempt: int) -> None:
        delay_s = RETRY_S[min(attempt, len(RETRY_S) - 1)]
        with self.database.write() as session:
            key = f"room-{incident_id}-{attempt + 1}"
            self.notices.engine.enqueue(session, WORKFLOW, incident_id, attempt + 1, key=key, delay_s=delay_s)


def channel_names(prefix: str, incident: Incident) -> Iterator[str]:
    """Names to try, best first: prefix, number and words of the title, in the signs that Slack allows."""
    plain = unicodedata.normalize("NFKD", incident.title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    base = f"{prefix}-{incident.id}" + (f"-{words}" if words else "")
    yield base[:NAME_LIMIT].rstrip("-")
    number = 2
    while True:
        suffix = f"-{number}"
        yield base[: NAME_LIMIT - len(suffix)].rstrip("-") + suffix
        number += 1


def _attempt(action: Callable[[], Any]) -> None:
    """What is nice to have: a refusal of Slack changes nothing that matters."""
    try:
        action()
    except SlackRefusal:
        return
