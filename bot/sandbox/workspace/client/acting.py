"""What people do on the page."""

from __future__ import annotations

import asyncio

from starlette.datastructures import UploadFile

from bot.sandbox.workspace import channels, files, interactions, messages, reactions, unread
from bot.sandbox.workspace.client.asking import Asking
from bot.sandbox.workspace.client.reading import look_at_stage
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.surfaces import TEXT_CHARACTERS
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.wording import rewrite_message


async def send_message(asking: Asking) -> Json:
    """Write into a channel or thread."""
    channel, text = asking.joined_channel, asking.text("text")
    if not text.strip():
        raise SlackError("no_text")
    if len(text) > TEXT_CHARACTERS:
        raise SlackError("msg_too_long")
    message = messages.post(
        asking.workspace,
        channel,
        messages.person(asking.user),
        rewrite_message(asking.workspace, text),
        thread_ts=asking.text("thread_ts") or None,
    )
    return {"message": message}


async def edit_message(asking: Asking) -> Json:
    """Change what one has written."""
    message, text = _own_message(asking), asking.text("text")
    if not text.strip():
        raise SlackError("no_text")
    changes = {"text": rewrite_message(asking.workspace, text), "blocks": None}
    messages.change(asking.workspace, asking.joined_channel, message["ts"], changes, asking.user)
    return {}


async def delete_message(asking: Asking) -> Json:
    """Take back what one has written."""
    messages.delete(asking.workspace, asking.joined_channel, _own_message(asking)["ts"])
    return {}


def _own_message(asking: Asking) -> Json:
    message = messages.find(asking.joined_channel, asking.text("ts"))
    if message.get("user") != asking.user or message.get("subtype"):
        raise SlackError("cant_update_message")
    return message


async def run_command(asking: Asking) -> Json:
    """Use a slash command."""
    text = asking.text("text")
    await interactions.run_command(asking.workspace, asking.user, asking.joined_channel, asking.text("command"), text)
    return {}


async def act(asking: Asking) -> Json:
    """Press a button or choose something, in a message or a view."""
    action, state = asking.structure("action"), asking.structure("state")
    if asking.text("view_id"):
        entered = state.get("values") or {}
        await interactions.act_in_view(asking.workspace, asking.user, asking.text("view_id"), action, entered)
    else:
        await interactions.act_in_message(
            asking.workspace, asking.user, asking.channel, asking.text("message_ts"), action, state
        )
    return {}


async def submit_view(asking: Asking) -> Json:
    """Submit a modal."""
    values = asking.structure("values")
    return await interactions.submit_view(asking.workspace, asking.user, asking.text("view_id"), values)


async def close_view(asking: Asking) -> Json:
    """Dismiss a modal."""
    await interactions.close_view(asking.workspace, asking.user, asking.text("view_id"))
    return {}


async def suggest_options(asking: Asking) -> Json:
    """The options of an external select, as the app gives them."""
    view = asking.workspace.state.views.get(asking.text("view_id"))
    if view is None:
        channel = asking.channel
        message = interactions.find_message(channel, asking.text("message_ts"), asking.user)
    return await interactions.suggest_options(
        asking.workspace,
        asking.user,
        view if view is not None else (channel, message),
        asking.text("block_id"),
        asking.text("action_id"),
        asking.text("value"),
    )


async def run_shortcut(asking: Asking) -> Json:
    """Use a shortcut."""
    channel = asking.channel if asking.text("channel") else None
    await interactions.run_shortcut(
        asking.workspace, asking.user, asking.text("callback_id"), channel, asking.text("message_ts")
    )
    return {}


async def react(asking: Asking) -> Json:
    """Add a reaction or take it back."""
    channel = asking.joined_channel
    message = messages.find(channel, asking.text("ts"))
    do = reactions.add if asking.body.get("add", True) else reactions.remove
    do(asking.workspace, channel, message, asking.text("name").strip(":"), asking.user)
    return {}


async def mark_read(asking: Asking) -> Json:
    """Everything up to `ts` was read."""
    channel, user = asking.channel, asking.user
    channel.last_read[user] = max(channel.last_read.get(user, "0"), asking.text("ts"))
    counts = unread.count(asking.workspace, channel, user)
    asking.workspace.hub.publish({"type": "unread", **counts}, {user})
    return {}


async def open_direct(asking: Asking) -> Json:
    """Open a direct message with somebody."""
    other = asking.workspace.state.user(asking.text("with"))
    channel, _ = channels.open_direct(asking.workspace, asking.user, other.id)
    return {"channel": channels.show_for_page(asking.workspace, channel, asking.user)}


async def join(asking: Asking) -> Json:
    """Join a public channel."""
    channel = asking.channel
    if channel.is_archived:
        raise SlackError("is_archived")
    channels.join(asking.workspace, channel, asking.user)
    return {"channel": channels.show_for_page(asking.workspace, channel, asking.user)}


async def leave(asking: Asking) -> Json:
    """Leave a channel."""
    channel = asking.joined_channel
    if channel.is_general or channel.is_im:
        raise SlackError("cant_leave_general")
    channels.leave(asking.workspace, channel, asking.user)
    return {}


async def make_channel(asking: Asking) -> Json:
    """Make a channel."""
    channel = channels.create(
        asking.workspace, asking.text("name"), asking.user, is_private=bool(asking.body.get("is_private"))
    )
    return {"channel": channels.show_for_page(asking.workspace, channel, asking.user)}


async def invite(asking: Asking) -> Json:
    """Bring somebody (the app, say) into a channel."""
    channel, invited = asking.joined_channel, asking.workspace.state.user(asking.text("invited"))
    channels.join(asking.workspace, channel, invited.id, inviter=asking.user)
    return {"channel": channels.show_for_page(asking.workspace, channel, asking.user)}


async def upload(asking: Asking) -> Json:
    """Share a file."""
    channel, sent = asking.joined_channel, asking.body.get("file")
    if not isinstance(sent, UploadFile):
        raise SlackError("no_file_data")
    content = await sent.read()
    file = files.expect(asking.workspace, sent.filename or "file", len(content), asking.user)
    files.receive(file, content)
    file.is_complete = True
    thread_ts = asking.text("thread_ts") or None
    author = messages.person(asking.user)
    message = files.share(asking.workspace, channel, [file], author, asking.text("text"), thread_ts=thread_ts)
    return {"message": message}


async def pull_scenario(asking: Asking) -> Json:
    """Make a scenario of the stage happen."""
    _ = asking.user
    try:
        done = await asyncio.to_thread(asking.workspace.stage.pull, asking.text("name"))
    except LookupError:
        raise SlackError("scenario_not_found") from None
    except RuntimeError as failed:
        raise SlackError(str(failed)) from failed
    await look_at_stage(asking.workspace)
    return {"message": done}
