"""The room: an incident's own Slack channel, opened once, with the right people in it.

Slack's rules for names: api.slack.com/methods/conversations.create.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from slack_sdk import WebClient
from sqlalchemy.orm import Session

from bot.comms.invitations import Invitations
from bot.comms.notices import Notices, direct_message, slack_channel
from bot.policy import Policy
from bot.slack.channels import find_channel
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.text import cut, literal
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident

WORKFLOW = "open-room"
NAME_LIMIT = 80
TOPIC_LIMIT = 250
CLOCKS_DIFFER_BY = timedelta(minutes=5)
RETRY_S = (2.0, 5.0, 15.0, 60.0)
REFUSED_RETRY_S = 600.0
"""Slack lets us have no private channel until somebody changes its settings."""


class NoRoom(Exception):
    """Slack refuses a private channel, and no other place will do."""


class Rooms:
    """Opens the channel of a new incident; where Slack will not have one, the incidents channel serves."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, client: WebClient, invitations: Invitations
    ) -> None:
        self.database, self.policy, self.notices = database, policy, notices
        self.client, self.invitations = client, invitations

    def open(self, incident_id: int, attempt: int) -> None:
        """The workflow. Killed anywhere it goes on; Slack being down makes it come back later."""
        with self.database.read() as session:
            incident = session.get_one(Incident, incident_id)
        try:
            with ThreadPoolExecutor(max_workers=8) as pool:
                guests = pool.submit(self.invitations.list_guests, incident)
                on_call = pool.submit(self.invitations.list_on_call, incident)
                channel = self._recorded(incident) or self._create(incident)
                self._record(incident_id, channel)
                if channel["name"]:
                    tidy = pool.submit(set_topic, self.client, incident, channel["id"])
                    self.invitations.invite(incident, channel["id"], guests.result())
                    self.invitations.invite(incident, channel["id"], on_call.result())  # last: nobody waits for it
                    tidy.result()
        except SlackUnavailable:
            self._come_back(incident_id, attempt, RETRY_S[min(attempt, len(RETRY_S) - 1)])
        except NoRoom as refusal:
            self._say_refused(incident_id, str(refusal))
            self._come_back(incident_id, attempt, REFUSED_RETRY_S)

    def _recorded(self, incident: Incident) -> dict[str, str] | None:
        """The channel as an attempt before this one wrote it down."""
        if incident.channel_id is None:
            return None
        return {"id": incident.channel_id, "name": incident.channel_name or ""}

    def _create(self, incident: Incident) -> dict[str, str]:
        """Id and name of the channel; an empty name where Slack refused to make one.

        Raises `NoRoom` where the incident is private: the incidents channel would tell everybody.
        """
        for name in channel_names(self.policy.slack.channel_prefix, incident):
            try:
                channel = call(self.client.conversations_create, name=name, is_private=incident.private)["channel"]
                return {"id": channel["id"], "name": channel["name"]}
            except SlackRefusal as refusal:
                if refusal.code != "name_taken":
                    if incident.private:
                        raise NoRoom(str(refusal)) from refusal
                    return {"id": f"#{self.policy.slack.incidents_channel}", "name": "", "why": str(refusal)}
            mine = self._find_mine(name, incident)
            if mine:
                return mine
        raise AssertionError("channel names are endless")

    def _find_mine(self, name: str, incident: Incident) -> dict[str, str] | None:
        """The channel of that name if we made it: then an earlier attempt was cut off before it was recorded.

        One that is older than the incident belongs to another, of a store that was lost.
        """
        channel = find_channel(self.client, name, private=incident.private)
        if channel is None or channel.get("created", 0) < (incident.declared_at - CLOCKS_DIFFER_BY).timestamp():
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
        """Now that there is a room to link to: one message, right from the start. Nothing of a private incident."""
        if incident.private:
            return
        lobby = slack_channel(self.policy.slack.incidents_channel)
        self.notices.say(
            session, "incident_announcement", key=f"announcement:{incident.id}", to=[lobby], incident_id=incident.id
        )

    def _say_refused(self, incident_id: int, why: str) -> None:
        """Once, on the timeline and to whoever declared it: the room that they wait for does not come."""
        text = f"Slack refuses a private channel: {why}. `holdfast incident` in a terminal works without one"
        with self.database.write() as session:
            incident = session.get_one(Incident, incident_id)
            entry = ledger.append(
                session, key=f"room.refused:{incident_id}", kind="incident.room", actor="holdfast", text=text,
                incident_id=incident_id,
            )  # fmt: skip
            self.notices.say(
                session, "incident_entry", key=f"entry:{entry.seq}", to=[direct_message(incident.declared_by)],
                incident_id=incident_id, data={"seq": entry.seq},
            )  # fmt: skip

    def _come_back(self, incident_id: int, attempt: int, delay_s: float) -> None:
        with self.database.write() as session:
            key = f"room-{incident_id}-{attempt + 1}"
            self.notices.engine.enqueue(session, WORKFLOW, incident_id, attempt + 1, key=key, delay_s=delay_s)


def channel_names(prefix: str, incident: Incident) -> Iterator[str]:
    """Names to try, best first: prefix, number and words of the title, in the signs that Slack allows.

    Of a private incident the number alone: the name is seen by more people than the channel.
    """
    title = "" if incident.private else incident.title
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    base = f"{prefix}-{incident.id}" + (f"-{words}" if words else "")
    yield base[:NAME_LIMIT].rstrip("-")
    number = 2
    while True:
        suffix = f"-{number}"
        yield base[: NAME_LIMIT - len(suffix)].rstrip("-") + suffix
        number += 1


def set_topic(client: WebClient, incident: Incident, channel_id: str) -> None:
    """Severity and title above the room."""
    topic = cut(literal(f"{incident.severity} · {incident.title}"), TOPIC_LIMIT)
    attempt(lambda: call(client.conversations_setTopic, channel=channel_id, topic=topic))


def attempt(action: Callable[[], Any]) -> None:
    """What is nice to have: a refusal of Slack changes nothing that matters."""
    try:
        action()
    except SlackRefusal:
        return
