"""Messages: posting, threads, changing, deleting, and who is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.workspace import events, unread
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.pages import show_for_page
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace


def post(
    workspace: Workspace,
    channel: Channel,
    author: Json,
    text: str,
    *,
    thread_ts: str | None = None,
    broadcast: bool = False,
    subtype: str | None = None,
    **parts: Any,
) -> Json:
    """Add a message and tell everybody. `author` is Slack's author fields (see `person`, `app_author`);
    `parts` are further fields of Slack's message (blocks, attachments, files, metadata); empty ones are left out.
    SlackError thread_not_found."""
    message: Json = {"type": "message", **author, "text": text, "team": workspace.state.team_id}
    message |= {name: value for name, value in parts.items() if value}
    if subtype:
        message["subtype"] = subtype
    if thread_ts:
        message["thread_ts"] = _root(channel, thread_ts)
        if broadcast:
            message["subtype"] = "thread_broadcast"
    message["ts"] = workspace.ids.ts()
    channel.messages[message["ts"]] = message
    if author.get("user"):
        channel.last_read[author["user"]] = message["ts"]
    if thread_ts:
        _count_reply(workspace, channel, message)
    publish(workspace, channel, "message", message)
    unread.announce(workspace, channel)
    events.tell_message(workspace, channel, message)
    events.tell_mention(workspace, channel, message)
    return message


def person(user: str) -> Json:
    """The author fields of a person's message."""
    return {"user": user}


def app_author(workspace: Workspace, username: str = "", icon_emoji: str = "", icon_url: str = "") -> Json:
    """The author fields of the app's messages, under its own or another name."""
    installed = workspace.installed
    author: Json = {"user": installed.bot_user_id, "bot_id": installed.bot_id, "app_id": installed.id}
    if username:
        author["username"] = username
    if icon_emoji or icon_url:
        author["icons"] = {"emoji": icon_emoji} if icon_emoji else {"image_48": icon_url}
    author["bot_profile"] = {
        "id": installed.bot_id,
        "app_id": installed.id,
        "name": workspace.manifest.bot_name,
        "deleted": False,
        "updated": 0,
        "team_id": workspace.state.team_id,
    }
    return author


def whisper(workspace: Workspace, channel: Channel, user: str, author: Json, text: str, **parts: Any) -> Json:
    """Add a message that only one user sees."""
    message: Json = {"type": "message", **author, "text": text, "team": workspace.state.team_id}
    message |= {name: value for name, value in parts.items() if value}
    message |= {"ts": workspace.ids.ts(), "is_ephemeral": True, "ephemeral": True, "for_user": user}
    channel.ephemerals.append(message)
    event = {"type": "ephemeral", "channel": channel.id, "message": show_for_page(workspace, message)}
    workspace.hub.publish(event, {user})
    return message


def replace_whisper(workspace: Workspace, channel: Channel, ts: str, changes: Json) -> bool:
    """Change an ephemeral message in place; False when there is none."""
    message = next((m for m in channel.ephemerals if m["ts"] == ts), None)
    if message is None:
        return False
    _apply(message, changes)
    event = {"type": "message_changed", "channel": channel.id, "message": show_for_page(workspace, message)}
    workspace.hub.publish(event, {message["for_user"]})
    return True


def remove_whisper(workspace: Workspace, channel: Channel, ts: str) -> bool:
    """Take an ephemeral message away; False when there is none."""
    message = next((m for m in channel.ephemerals if m["ts"] == ts), None)
    if message is None:
        return False
    channel.ephemerals.remove(message)
    event = {"type": "message_deleted", "channel": channel.id, "ts": ts}
    workspace.hub.publish(event, {message["for_user"]})
    return True


def change(workspace: Workspace, channel: Channel, ts: str, changes: Json, editor: str | None) -> Json:
    """Change a message's parts (None takes a part away); `editor` leaves Slack's edited mark."""
    message = find(channel, ts)
    previous = dict(message)
    _apply(message, changes)
    if editor:
        message["edited"] = {"user": editor, "ts": workspace.ids.ts()}
    publish(workspace, channel, "message_changed", message)
    event = {
        "subtype": "message_changed",
        "message": message,
        "previous_message": previous,
        "hidden": True,
        "ts": workspace.ids.ts(),
    }
    events.tell_message(workspace, channel, event)
    return message


def delete(workspace: Workspace, channel: Channel, ts: str) -> None:
    """Take a message away."""
    message = channel.messages.pop(ts)
    replies = channel.threads.get(message.get("thread_ts", ""), [])
    if ts in replies:
        replies.remove(ts)
        _refresh_parent(workspace, channel, message["thread_ts"])
    channel.pins.pop(ts, None)
    workspace.hub.publish({"type": "message_deleted", "channel": channel.id, "ts": ts}, audience(channel))
    event = {
        "subtype": "message_deleted",
        "deleted_ts": ts,
        "previous_message": message,
        "hidden": True,
        "ts": workspace.ids.ts(),
    }
    events.tell_message(workspace, channel, event)


def find(channel: Channel, ts: str) -> Json:
    """The message, or message_not_found."""
    try:
        return channel.messages[ts]
    except KeyError:
        raise SlackError("message_not_found") from None


def publish(workspace: Workspace, channel: Channel, kind: str, message: Json) -> None:
    """Tell the browsers that a message is new or changed."""
    event = {"type": kind, "channel": channel.id, "message": show_for_page(workspace, message)}
    workspace.hub.publish(event, audience(channel))


def audience(channel: Channel) -> Sequence[str] | None:
    """Who may see what happens in a channel; None for everybody."""
    return None if channel.kind == "public" else list(channel.members)


def _apply(message: Json, changes: Json) -> None:
    for name, value in changes.items():
        if value:
            message[name] = value
        elif name == "text":
            message[name] = ""
        else:
            message.pop(name, None)


def _root(channel: Channel, thread_ts: str) -> str:
    """The parent's ts, when a reply's own ts was given too."""
    parent = channel.messages.get(thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    return str(parent.get("thread_ts", thread_ts))


def _count_reply(workspace: Workspace, channel: Channel, reply: Json) -> None:
    channel.threads.setdefault(reply["thread_ts"], []).append(reply["ts"])
    parent = channel.messages[reply["thread_ts"]]
    reply["parent_user_id"] = parent.get("user", "")
    _refresh_parent(workspace, channel, reply["thread_ts"])


def _refresh_parent(workspace: Workspace, channel: Channel, thread_ts: str) -> None:
    parent = channel.messages.get(thread_ts)
    if parent is None:
        return
    replies = [channel.messages[ts] for ts in channel.threads[thread_ts] if ts in channel.messages]
    if not replies:
        for name in ("thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply"):
            parent.pop(name, None)
    else:
        users = list(dict.fromkeys(reply.get("user", "") for reply in replies))
        parent |= {
            "thread_ts": thread_ts,
            "reply_count": len(replies),
            "reply_users": users,
            "reply_users_count": len(users),
            "latest_reply": replies[-1]["ts"],
        }
    publish(workspace, channel, "message_changed", parent)
