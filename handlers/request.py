"""What a handler is given, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.comms.notices import incident_room, slack_channel
from bot.incidents.desk import Desk
from bot.incidents.reading import Reading
from bot.outcome import Refused
from bot.policy import Person
from bot.services import Services
from bot.slack.client import call
from bot.store.tables import Incident

CLOSED_TO_US = ("directmessage", "privategroup")
"""How Slack names channels in which the bot may be unable to post."""


class FormNeeded(Exception):
    """A form is the answer, and Slack opens one only for a press or a slash command, not for a mention."""


@dataclass(frozen=True)
class Reply:
    """What only the asking person sees; empty when a modal or a message elsewhere is the answer."""

    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """One thing that a person asked for in Slack; the person is who the signed payload says (design, rule 9)."""

    services: Services
    person: Person
    user_id: str
    channel_id: str
    channel_name: str = ""
    text: str = ""
    trigger_id: str = ""

    def open_view(self, view: dict[str, Any]) -> dict[str, Any]:
        """Open a modal for the person. Raises `FormNeeded` where there is nothing that Slack would open it for."""
        if not self.trigger_id:
            raise FormNeeded
        return dict(call(self.services.slack.views_open, trigger_id=self.trigger_id, view=view)["view"])

    @property
    def desk(self) -> Desk:
        return self.services.desk

    @property
    def reading(self) -> Reading:
        """Incidents as this person may see them."""
        return self.desk.visible_to(self.person)

    @property
    def incident(self) -> Incident | None:
        """The incident whose channel this is; elsewhere the only open one, if there is just one."""
        here = self.reading.by_channel(self.channel_id) if self.channel_id else None
        if here:
            return here
        still_open = self.reading.list_open()
        return still_open[0] if len(still_open) == 1 else None

    def need_incident(self) -> Incident:
        """The incident that is meant. Raises `Refused` when it cannot be told."""
        incident = self.incident
        if incident is None:
            several = bool(self.reading.list_open())
            reason = (
                "Several incidents are open, and this is the channel of none of them."
                if several
                else "No incident is open."
            )
            raise Refused(reason, "Use the incident's own channel; `/incident list` links to it.")
        return incident

    @property
    def place(self) -> str:
        """Where what everybody should see goes: the incident's room, else the channel that was typed in."""
        incident = self.incident
        if incident and incident.is_open:
            return incident_room(incident.id)
        if not self.channel_id or self.channel_name in CLOSED_TO_US:
            return slack_channel(self.services.policy.slack.incidents_channel)
        return slack_channel(self.channel_id)


def read_request(services: Services, body: dict[str, Any]) -> Request:
    """What a press or a shortcut asks for, by whoever the payload says pressed. Raises `Refused` for strangers."""
    user_id = str(body["user"]["id"])
    channel = body.get("channel") or {}
    return Request(
        services=services,
        person=services.directory.person(user_id),
        user_id=user_id,
        channel_id=str(channel.get("id") or ""),
        channel_name=str(channel.get("name") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
    )
