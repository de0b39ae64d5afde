"""Reactions: the same whether a person or the app adds them."""

from __future__ import annotations

from bot.sandbox.workspace import events, messages
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

MOST_PER_MESSAGE = 23


def add(workspace: Workspace, channel: Channel, message: Json, name: str, user: str) -> None:
    """Add a reaction; SlackError already_reacted, too_many_emoji."""
    reactions: list[Json] = message.setdefault("reactions", [])
    reaction = next((r for r in reactions if r["name"] == name), None)
    if reaction is None:
        if len(reactions) >= MOST_PER_MESSAGE:
            raise SlackError("too_many_emoji")
        reaction = {"name": name, "users": [], "count": 0}
        reactions.append(reaction)
    if user in reaction["users"]:
        raise SlackError("already_reacted")
    reaction["users"].append(user)
    reaction["count"] += 1
    _announce(workspace, channel, message, "reaction_added", name, user)


def remove(workspace: Workspace, channel: Channel, message: Json, name: str, user: str) -> None:
    """Take a reaction back; SlackError no_reaction."""
    reactions: list[Json] = message.get("reactions", [])
    reaction = next((r for r in reactions if r["name"] == name and user in r["users"]), None)
    if reaction is None:
        raise SlackError("no_reaction")
    reaction["users"].remove(user)
    reaction["count"] -= 1
    if not reaction["users"]:
        reactions.remove(reaction)
    if not reactions:
        message.pop("reactions")
    _announce(workspace, channel, message, "reaction_removed", name, user)


def _announce(workspace: Workspace, channel: Channel, message: Json, kind: str, name: str, user: str) -> None:
    news = {
        "type": "reaction",
        "channel": channel.id,
        "ts": message["ts"],
        "reactions": message.get("reactions", []),
    }
    workspace.hub.publish(news, messages.audience(channel))
    if not workspace.bot_is_in(channel):
        return
    event = {
        "type": kind,
        "user": user,
        "reaction": name,
        "item_user": message.get("user", ""),
        "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
        "event_ts": workspace.ids.ts(),
    }
    events.tell(workspace, kind, event, channel)
