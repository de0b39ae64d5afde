"""What each person has not read yet, and where they were named."""

from __future__ import annotations

import json

from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

_QUIET = {"channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "pinned_item"}
MOST_COUNTED = 200
_BROADCASTS = ("<!here", "<!channel", "<!everyone")


def announce(workspace: Workspace, channel: Channel) -> None:
    """Send fresh counts to every member who has a page open."""
    for user in workspace.hub.watching():
        if user in channel.members:
            workspace.hub.publish({"type": "unread", **count(workspace, channel, user)}, {user})


def count(workspace: Workspace, channel: Channel, user: str) -> Json:
    """{channel, unread, mentions, last_read}; thread replies and joins do not count, and whoever
    writes has read what came before.
    It stops counting at MOST_COUNTED."""
    last_read = channel.last_read.get(user, "0")
    unread = mentions = 0
    if user in channel.members:
        for message in reversed(channel.messages.values()):
            if message["ts"] <= last_read or unread == MOST_COUNTED:
                break
            if _counts(message):
                unread += 1
                mentions += channel.is_im or is_named(workspace, _words(message), user)
    return {"channel": channel.id, "unread": unread, "mentions": mentions, "last_read": last_read}


def is_named(workspace: Workspace, text: str, user: str) -> bool:
    """Does the text mention the user, a group that they are in, or everybody?"""
    if f"<@{user}>" in text or f"<@{user}|" in text or any(word in text for word in _BROADCASTS):
        return True
    groups = workspace.state.usergroups.values()
    return any(f"<!subteam^{group.id}" in text for group in groups if user in group.users)


def _words(message: Json) -> str:
    return f"{message.get('text', '')} {json.dumps(message['blocks']) if message.get('blocks') else ''}"


def _counts(message: Json) -> bool:
    if message.get("subtype") in _QUIET:
        return False
    is_reply = message.get("thread_ts", message["ts"]) != message["ts"]
    return not is_reply or message.get("subtype") == "thread_broadcast"
