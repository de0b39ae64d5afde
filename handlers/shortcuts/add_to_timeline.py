"""From a message: put it on the timeline of an incident."""

from __future__ import annotations

from typing import Any

from bot.outcome import Refused
from handlers.modals import pin
from handlers.request import Reply, Request
from handlers.shortcuts.shortcut import Shortcut


def handle(request: Request, message: dict[str, Any]) -> Reply:
    """The incident of this channel, else the only open one; where there are several, a form asks."""
    ts = str(message.get("ts") or "")
    if not ts:
        raise Refused("Slack did not say which message is meant.", "Try again from the message's menu.")
    incident = request.incident
    if incident is None:
        return pin.open_modal(request, ts)
    pin.start(request.services, request.person, request.channel_id, ts, incident.id)
    return Reply(f":pushpin: It goes on the timeline of #{incident.id}.")


SHORTCUT = Shortcut("add_to_timeline", handle)
