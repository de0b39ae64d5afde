"""pins.*"""

from __future__ import annotations

from bot.sandbox.workspace import channels, events, messages
from bot.sandbox.workspace.calls import Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json


@method("pins.add", Tier.TWO, ("pins:write",))
def add(call: Call) -> Json:
    """Pin a message."""
    channel, message = _item(call)
    if message["ts"] in channel.pins:
        raise SlackError("already_pinned")
    if message.get("subtype", "").startswith("channel_"):
        raise SlackError("not_pinnable")
    channel.pins[message["ts"]] = {"created": call.workspace.now(), "created_by": call.caller}
    messages.change(call.workspace, channel, message["ts"], {"pinned_to": [channel.id]}, None)
    text = f"<@{call.caller}> pinned a message to this channel."
    channels.say(call.workspace, channel, call.caller, "pinned_item", text)
    _announce(call, channel, message, "pin_added")
    return {}


@method("pins.remove", Tier.TWO, ("pins:write",))
def remove(call: Call) -> Json:
    """Unpin a message."""
    channel, message = _item(call)
    if channel.pins.pop(message["ts"], None) is None:
        raise SlackError("no_pin")
    messages.change(call.workspace, channel, message["ts"], {"pinned_to": None}, None)
    _announce(call, channel, message, "pin_removed")
    return {}


@method("pins.list", Tier.TWO, ("pins:read",))
def list_pins(call: Call) -> Json:
    """The channel's pins, newest first."""
    channel = call.channel()
    items = [
        {"type": "message", "channel": channel.id, **pin, "message": channel.messages[ts]}
        for ts, pin in reversed(channel.pins.items())
        if ts in channel.messages
    ]
    return {"items": items}


def _item(call: Call) -> tuple[Channel, Json]:
    channel = call.channel(member=True, active=True)
    ts = call.required("timestamp", "no_item_specified")
    return channel, messages.find(channel, ts)


def _announce(call: Call, channel: Channel, message: Json, kind: str) -> None:
    news = {"type": "pins", "channel": channel.id, "pins": list(channel.pins)}
    call.workspace.hub.publish(news, messages.audience(channel))
    event = {
        "type": kind,
        "user": call.caller,
        "channel_id": channel.id,
        "item": {"type": "message", "channel": channel.id, "message": message},
        "event_ts": call.workspace.ids.ts(),
    }
    events.tell(call.workspace, kind, event, channel)
