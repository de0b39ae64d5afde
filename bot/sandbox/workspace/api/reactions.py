"""reactions.*"""

from __future__ import annotations

import re

from bot.sandbox.workspace import messages, reactions
from bot.sandbox.workspace.calls import Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json

_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


@method("reactions.add", Tier.THREE, ("reactions:write",))
def add(call: Call) -> Json:
    """React to a message as the app."""
    channel, message = _item(call)
    reactions.add(call.workspace, channel, message, _emoji(call), call.caller)
    return {}


@method("reactions.remove", Tier.TWO, ("reactions:write",))
def remove(call: Call) -> Json:
    """Take the app's reaction back."""
    channel, message = _item(call)
    reactions.remove(call.workspace, channel, message, _emoji(call), call.caller)
    return {}


@method("reactions.get", Tier.THREE, ("reactions:read",))
def get(call: Call) -> Json:
    """A message with its reactions."""
    channel = call.channel()
    message = messages.find(channel, call.required("timestamp", "no_item_specified"))
    return {"type": "message", "channel": channel.id, "message": message}


def _item(call: Call) -> tuple[Channel, Json]:
    channel = call.channel(member=True, active=True)
    return channel, messages.find(channel, call.required("timestamp", "no_item_specified"))


def _emoji(call: Call) -> str:
    name = call.text("name").strip(":")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name")
    return name
