"""The button of an empty coordinator's seat."""

from __future__ import annotations

from typing import Any

from bot.comms.bulletins import COORDINATOR
from handlers.buttons.press import Button
from handlers.request import Reply, Request


def take(request: Request, value: dict[str, Any]) -> Reply:
    incident_id, person = int(value["incident"]), request.person.key
    request.desk.roles.assign(incident_id, actor=person, role=COORDINATOR, person=person)
    settings = request.services.policy.roles[COORDINATOR]
    return Reply(f":bust_in_silhouette: You are *{settings.title}* of #{incident_id}. {settings.channel_intro}")


BUTTONS = [Button("coordinator.take", take)]
