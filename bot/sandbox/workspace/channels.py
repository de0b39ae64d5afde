"""Channels: names, membership, topic, archive; each change is seen by people and told to the app."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.sandbox.workspace import events, messages
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.presentation import show_channel
from bot.sandbox.workspace.state import Channel, Note
from bot.sandbox.workspace.unread import count
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

NAME_CHARACTERS = 80
NOTE_CHARACTERS = 250
_ALLOWED = re.compile(r"[\w-]+")


def check_name(workspace: Workspace, name: str) -> None:
    """Slack's rules for a channel's name; SlackError invalid_name_… or name_taken."""
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > NAME_CHARACTERS:
        raise SlackError("invalid_name_maxlength")
    if not _ALLOWED.fullmatch(name) or name != name.lower():
        raise SlackError("invalid_name_specials")
    if not any(character.isalnum() for character in name):
        raise SlackError("invalid_name_punctuation")
    if workspace.state.channel_named(name):
        raise SlackError("name_taken")


def create(workspace: Workspace, name: str, creator: str, *, is_private: bool = False) -> Channel:
    """A new channel with its creator in it."""
    check_name(workspace, name)
    channel = Channel(
        workspace.ids.new("C"), name, creator, workspace.now(), is_private=is_private, members={creator: None}
    )
    workspace.state.channels[channel.id] = channel
    announce(workspace, channel, "channel_created")
    if not is_private:
        event = {
            "type": "channel_created",
            "channel": {"id": channel.id, "name": name, "created": channel.created, "creator": creator},
        }
        events.tell(workspace, "channel_created", event)
    return channel


def open_direct(workspace: Workspace, one: str, other: str) -> tuple[Channel, bool]:
    """The direct message between two users, and whether it was open already."""
    found = workspace.state.direct_message(one, other)
    if found:
        return found, True
    channel = Channel(workspace.ids.new("D"), "", one, workspace.now(), is_im=True, members={one: None, other: None})
    workspace.state.channels[channel.id] = channel
    announce(workspace, channel, "channel_created")
    return channel, False


def join(workspace: Workspace, channel: Channel, user: str, inviter: str | None = None) -> None:
    """Put a user into a channel; nothing when already in it."""
    if user in channel.members:
        return
    channel.members[user] = None
    channel.last_read[user] = next(reversed(channel.messages), "0")
    extra = {"inviter": inviter} if inviter else {}
    say(workspace, channel, user, "channel_join", f"<@{user}> has joined the channel", **extra)
    announce(workspace, channel, "channel_joined")
    event = {
        "type": "member_joined_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "G" if channel.is_private else "C",
        "team": workspace.state.team_id,
        **extra,
    }
    events.tell(workspace, "member_joined_channel", event, channel)


def leave(workspace: Workspace, channel: Channel, user: str) -> None:
    """Take a user out of a channel."""
    audience = None if channel.kind == "public" else list(channel.members)
    del channel.members[user]
    say(workspace, channel, user, "channel_leave", f"<@{user}> has left the channel")
    announce(workspace, channel, "channel_left", audience)
    event = {"type": "member_left_channel", "user": user, "channel": channel.id, "team": workspace.state.team_id}
    events.tell(workspace, "member_left_channel", event, channel)
    if user == workspace.installed.bot_user_id:
        event = {"type": "channel_left", "channel": channel.id}
        events.tell(workspace, "group_left" if channel.is_private else "channel_left", event)


def rename(workspace: Workspace, channel: Channel, name: str, actor: str) -> None:
    """Give a channel another name."""
    check_name(workspace, name)
    channel.previous_names.append(channel.name)
    text = f'has renamed the channel from "{channel.name}" to "{name}"'
    channel.name = name
    say(workspace, channel, actor, "channel_name", text)
    announce(workspace, channel, "channel_changed")
    event = {
        "type": "channel_rename",
        "channel": {"id": channel.id, "name": name, "created": channel.created},
    }
    events.tell(workspace, "group_rename" if channel.is_private else "channel_rename", event, channel)


def set_note(workspace: Workspace, channel: Channel, what: str, value: str, actor: str) -> None:
    """Set the `topic` or `purpose`; SlackError too_long beyond 250 characters."""
    if len(value) > NOTE_CHARACTERS:
        raise SlackError("too_long")
    note = Note(value, actor, workspace.now())
    if what == "topic":
        channel.topic = note
    else:
        channel.purpose = note
    text = f"set the channel {what}: {value}" if value else f"cleared the channel {what}"
    say(workspace, channel, actor, f"channel_{what}", text, **{what: value})
    announce(workspace, channel, "channel_changed")


def archive(workspace: Workspace, channel: Channel, actor: str) -> None:
    """Close a channel for good; its members stay listed, nobody may post."""
    say(workspace, channel, actor, "channel_archive", f"<@{actor}> archived the channel")
    channel.is_archived = True
    announce(workspace, channel, "channel_archived")
    _tell_of_archive(workspace, channel, actor, "archive")


def unarchive(workspace: Workspace, channel: Channel, actor: str) -> None:
    """Open an archived channel again."""
    channel.is_archived = False
    say(workspace, channel, actor, "channel_unarchive", f"<@{actor}> un-archived the channel")
    announce(workspace, channel, "channel_changed")
    _tell_of_archive(workspace, channel, actor, "unarchive")


def say(workspace: Workspace, channel: Channel, user: str, subtype: str, text: str, **extra: str) -> Json:
    """The line that Slack itself writes into a channel when something happens to it."""
    parts: Json = dict(extra)
    return messages.post(workspace, channel, messages.person(user), text, subtype=subtype, **parts)


def announce(workspace: Workspace, channel: Channel, kind: str, audience: Sequence[str] | None = None) -> None:
    """Tell each browser about a channel as its user sees it."""
    for user in workspace.hub.watching():
        if channel.visible_to(user) or (audience and user in audience):
            event = {"type": kind, "channel": show_for_page(workspace, channel, user)}
            workspace.hub.publish(event, {user})


def show_for_page(workspace: Workspace, channel: Channel, user: str) -> Json:
    """A channel in the page's sidebar and header."""
    shown = show_channel(workspace, channel, user)
    counts = count(workspace, channel, user)
    name = channel.name
    if channel.is_im:
        name = workspace.state.users[shown["user"]].real_name
    return {
        "id": channel.id,
        "name": name,
        "is_private": channel.is_private,
        "is_im": channel.is_im,
        "im_user": shown.get("user"),
        "is_member": user in channel.members,
        "is_archived": channel.is_archived,
        "topic": channel.topic.value,
        "purpose": channel.purpose.value,
        "unread": counts["unread"],
        "mentions": counts["mentions"],
        "last_read": counts["last_read"],
        "pins": list(channel.pins),
        "bookmarks": [show_bookmark(b) for b in channel.bookmarks.values()],
        "members": list(channel.members),
    }


def show_bookmark(bookmark: Json) -> Json:
    """A bookmark in the page's header."""
    return {name: bookmark[name] for name in ("id", "title", "link", "emoji")}


def _tell_of_archive(workspace: Workspace, channel: Channel, actor: str, verb: str) -> None:
    kind = f"{'group' if channel.is_private else 'channel'}_{verb}"
    events.tell(workspace, kind, {"type": kind, "channel": channel.id, "user": actor}, channel)
