"""conversations.*: making, finding, naming and closing channels."""

from __future__ import annotations

from bot.sandbox.workspace import channels
from bot.sandbox.workspace.calls import MANAGE, READ, TOPIC, Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.paging import page
from bot.sandbox.workspace.presentation import show_channel
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json

_KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


def _show(call: Call, channel: Channel) -> Json:
    return {"channel": show_channel(call.workspace, channel, call.caller)}


def _ordinary(call: Call, *, member: bool = True, active: bool = True) -> Channel:
    """A channel that is not a direct message."""
    channel = call.channel(member=member, active=active)
    if channel.is_im:
        raise SlackError("method_not_supported_for_channel_type")
    return channel


@method("conversations.create", Tier.TWO, MANAGE)
def create(call: Call) -> Json:
    """A new channel; the app is its first member."""
    is_private = call.flag("is_private")
    call.check_scope("private" if is_private else "public")
    made = channels.create(call.workspace, call.text("name"), call.caller, is_private=is_private)
    return _show(call, made)


@method("conversations.info", Tier.THREE, READ)
def info(call: Call) -> Json:
    """One channel."""
    channel = call.channel()
    shown = _show(call, channel)
    if not call.flag("include_num_members"):
        shown["channel"].pop("num_members", None)
    return shown


@method("conversations.list", Tier.TWO, READ)
def list_channels(call: Call) -> Json:
    """Channels by type, a page at a time."""
    return _list(call, list(call.workspace.state.visible_channels(call.caller)))


@method("users.conversations", Tier.THREE, READ)
def list_memberships(call: Call) -> Json:
    """The channels that a user is in, as far as the app may see them."""
    user = call.text("user") or call.caller
    call.workspace.state.user(user)
    visible = call.workspace.state.visible_channels(call.caller)
    return _list(call, [c for c in visible if user in c.members])


def _list(call: Call, found: list[Channel]) -> Json:
    wanted = call.names("types") or ["public_channel"]
    if any(kind not in _KINDS for kind in wanted):
        raise SlackError("invalid_types")
    kinds = {_KINDS[kind] for kind in wanted} - {"mpim"}
    for kind in sorted(kinds):
        call.check_scope(kind)
    if call.flag("exclude_archived"):
        found = [c for c in found if not c.is_archived]
    entries, cursor = page(call, [c for c in found if c.kind in kinds])
    return {
        "channels": [show_channel(call.workspace, c, call.caller) for c in entries],
        "response_metadata": {"next_cursor": cursor},
    }


@method("conversations.setTopic", Tier.TWO, TOPIC)
def set_topic(call: Call) -> Json:
    """Set the topic; in Slack's answer, the channel as it is now."""
    channel = call.channel(member=True, active=True)
    channels.set_note(call.workspace, channel, "topic", call.text("topic"), call.caller)
    return {**_show(call, channel), "topic": channel.topic.value}


@method("conversations.setPurpose", Tier.TWO, TOPIC)
def set_purpose(call: Call) -> Json:
    """Set the purpose."""
    channel = call.channel(member=True, active=True)
    channels.set_note(call.workspace, channel, "purpose", call.text("purpose"), call.caller)
    return {"purpose": channel.purpose.value}


@method("conversations.rename", Tier.TWO, MANAGE)
def rename(call: Call) -> Json:
    """Rename a channel that the app made; not_authorized for others."""
    channel = _ordinary(call)
    if channel.creator != call.caller:
        raise SlackError("not_authorized")
    channels.rename(call.workspace, channel, call.text("name"), call.caller)
    return _show(call, channel)


@method("conversations.archive", Tier.TWO, MANAGE)
def archive(call: Call) -> Json:
    """Archive a channel."""
    channel = _ordinary(call, member=False, active=False)
    if channel.is_archived:
        raise SlackError("already_archived")
    if channel.is_general:
        raise SlackError("cant_archive_general")
    if call.caller not in channel.members:
        raise SlackError("not_in_channel")
    channels.archive(call.workspace, channel, call.caller)
    return {}


@method("conversations.unarchive", Tier.TWO, MANAGE)
def unarchive(call: Call) -> Json:
    """Take a channel back from the archive."""
    channel = _ordinary(call, member=False, active=False)
    if not channel.is_archived:
        raise SlackError("not_archived")
    if call.caller not in channel.members:
        raise SlackError("not_in_channel")
    channels.unarchive(call.workspace, channel, call.caller)
    return {}


@method("conversations.open", Tier.THREE, MANAGE)
def open_direct(call: Call) -> Json:
    """Open a direct message with one user, or resume one by its id."""
    call.check_scope("im")
    if call.text("channel"):
        return _show(call, call.channel())
    users = call.names("users")
    if len(users) != 1:
        raise SlackError("users_list_not_supplied" if not users else "not_enough_users")
    call.workspace.state.user(users[0])
    if users[0] == call.caller:
        raise SlackError("cannot_dm_bot")
    channel, already = channels.open_direct(call.workspace, call.caller, users[0])
    shown = _show(call, channel) if call.flag("return_im") else {"channel": {"id": channel.id}}
    return {**shown, **({"no_op": True, "already_open": True} if already else {})}
