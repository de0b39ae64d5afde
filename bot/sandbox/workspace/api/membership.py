"""conversations.*: who is in a channel."""

from __future__ import annotations

from bot.sandbox.workspace import channels
from bot.sandbox.workspace.calls import INVITE, MANAGE, READ, Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.paging import page
from bot.sandbox.workspace.presentation import show_channel
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json

_INVITE_HIGH = 100


@method("conversations.members", Tier.FOUR, READ)
def members(call: Call) -> Json:
    """The members' ids, a page at a time."""
    entries, cursor = page(call, list(call.channel().members))
    return {"members": entries, "response_metadata": {"next_cursor": cursor}}


@method("conversations.invite", Tier.THREE, INVITE)
def invite(call: Call) -> Json:
    """Invite users, all or none; with `force`, those who can be invited are."""
    channel = call.channel(member=True, active=True)
    users = call.names("users")
    if not users:
        raise SlackError("no_user")
    if len(users) > _INVITE_HIGH:
        raise SlackError("too_many_users")
    refusals = {user: why for user in users if (why := _why_not(call, channel, user))}
    errors = [{"user": user, "ok": False, "error": why} for user, why in refusals.items()]
    if refusals and not call.flag("force"):
        raise SlackError(next(iter(refusals.values())), errors=errors)
    for user in users:
        if user not in refusals:
            channels.join(call.workspace, channel, user, inviter=call.caller)
    shown: Json = {"channel": show_channel(call.workspace, channel, call.caller)}
    return {**shown, "errors": errors} if errors else shown


def _why_not(call: Call, channel: Channel, user: str) -> str:
    if user == call.caller:
        return "cant_invite_self"
    if user not in call.workspace.state.users:
        return "user_not_found"
    return "already_in_channel" if user in channel.members else ""


@method("conversations.kick", Tier.THREE, MANAGE)
def kick(call: Call) -> Json:
    """Remove another user."""
    channel = call.channel(member=True, active=True)
    user = call.required("user", "user_not_found")
    call.workspace.state.user(user)
    if user == call.caller:
        raise SlackError("cant_kick_self")
    if channel.is_general:
        raise SlackError("cant_kick_from_general")
    if user not in channel.members:
        raise SlackError("not_in_channel")
    channels.leave(call.workspace, channel, user)
    return {"errors": {}}


@method("conversations.join", Tier.THREE, ("channels:join",))
def join(call: Call) -> Json:
    """Join a public channel; joining twice is a warning."""
    channel = call.channel(active=True)
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    already = call.caller in channel.members
    channels.join(call.workspace, channel, call.caller)
    shown: Json = {"channel": show_channel(call.workspace, channel, call.caller)}
    if already:
        shown |= {
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    return shown


@method("conversations.leave", Tier.THREE, MANAGE)
def leave(call: Call) -> Json:
    """Leave a channel."""
    channel = call.channel()
    if channel.is_im:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_general:
        raise SlackError("cant_leave_general")
    if call.caller not in channel.members:
        return {"not_in_channel": True}
    if len(channel.members) == 1 and channel.is_private:
        raise SlackError("last_member")
    channels.leave(call.workspace, channel, call.caller)
    return {}
