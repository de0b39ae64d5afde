"""chat.*"""

from __future__ import annotations

from bot.sandbox.workspace import channels, messages
from bot.sandbox.workspace.api.content import read_content
from bot.sandbox.workspace.calls import Call, method, require_any
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.surfaces import TEXT_CHARACTERS, UPDATE_CHARACTERS
from bot.sandbox.workspace.presentation import permalink
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json

_WRITE = ("chat:write",)


@method("chat.postMessage", Tier.POSTING, _WRITE)
def post_message(call: Call) -> Json:
    """Post to a channel (by id, or #name), a direct message or a user."""
    channel = _destination(call)
    content = read_content(call, TEXT_CHARACTERS)
    message = messages.post(
        call.workspace,
        channel,
        _author(call),
        content.pop("text", ""),
        thread_ts=call.text("thread_ts") or None,
        broadcast=call.flag("reply_broadcast"),
        **content,
    )
    return {"channel": channel.id, "ts": message["ts"], "message": message}


@method("chat.postEphemeral", Tier.FOUR, _WRITE)
def post_ephemeral(call: Call) -> Json:
    """Show a message to one member of a channel."""
    channel = call.channel(member=True, active=True)
    user = call.required("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    content = read_content(call, TEXT_CHARACTERS)
    text = content.pop("text", "")
    extra = {"thread_ts": call.text("thread_ts")}
    message = messages.whisper(call.workspace, channel, user, _author(call), text, **content, **extra)
    return {"message_ts": message["ts"]}


@method("chat.update", Tier.THREE, _WRITE)
def update_message(call: Call) -> Json:
    """Change one of the app's own messages. Text without blocks takes the old blocks away."""
    channel = call.channel()
    message = messages.find(channel, call.required("ts"))
    if message.get("bot_id") != call.workspace.installed.bot_id:
        raise SlackError("cant_update_message")
    if channel.is_archived:
        raise SlackError("is_inactive")
    content = read_content(call, UPDATE_CHARACTERS)
    editor = call.caller if "blocks" not in content else None
    if "text" in content:
        content.setdefault("blocks", None)
    elif content.get("blocks"):
        content["text"] = ""
    changed = messages.change(call.workspace, channel, message["ts"], content, editor)
    return {"channel": channel.id, "ts": changed["ts"], "text": changed["text"], "message": changed}


@method("chat.delete", Tier.THREE, _WRITE)
def delete_message(call: Call) -> Json:
    """Delete one of the app's own messages."""
    channel = call.channel()
    message = messages.find(channel, call.required("ts"))
    if message.get("bot_id") != call.workspace.installed.bot_id:
        raise SlackError("cant_delete_message")
    messages.delete(call.workspace, channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.getPermalink", Tier.UNLIMITED)
def get_permalink(call: Call) -> Json:
    """The link to a message."""
    channel = call.channel()
    message = messages.find(channel, call.required("message_ts"))
    return {"channel": channel.id, "permalink": permalink(call.workspace, channel, message["ts"])}


def _author(call: Call) -> Json:
    names = [call.text(name) for name in ("username", "icon_emoji", "icon_url")]
    if any(names):
        require_any(call.workspace, ("chat:write.customize",))
    return messages.app_author(call.workspace, *names)


def _destination(call: Call) -> Channel:
    """Where a message goes; SlackError channel_not_found, is_archived, not_in_channel."""
    workspace, target = call.workspace, call.text("channel")
    if target in workspace.state.users:
        if target == call.caller:
            raise SlackError("channel_not_found")
        return channels.open_direct(workspace, call.caller, target)[0]
    named = workspace.state.channel_named(target.removeprefix("#"))
    channel = workspace.state.channel(named.id if named else target, call.caller)
    if channel.is_archived:
        raise SlackError("is_archived")
    if call.caller not in channel.members and "chat:write.public" not in workspace.manifest.scopes:
        raise SlackError("not_in_channel")
    return channel
