"""What people do with the app: commands, buttons, modals, shortcuts; and what its acknowledgement then causes."""

from __future__ import annotations

from bot.sandbox.workspace import answers, messages, payloads, views
from bot.sandbox.workspace.delivery.envelope import DeliveryFailed, Envelope
from bot.sandbox.workspace.entries import check_choice, complete_values, find_errors
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.blocks import interactive
from bot.sandbox.workspace.state import Channel, View
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.wording import rewrite_command
from bot.sandbox.workspace.workspace import ResponseUrl, Workspace

TROUBLE = "We had some trouble connecting. Try again?"
_FAILURES = {
    "timeout": "operation_timeout",
    "no_connection": "dispatch_failed",
    "http_error": "dispatch_unknown_error",
}


async def run_command(workspace: Workspace, user: str, channel: Channel, name: str, text: str) -> None:
    """Send a slash command; its acknowledgement may carry a message. SlackError when it failed,
    after the user was told as Slack tells."""
    command = workspace.manifest.commands.get(name)
    if command is None:
        raise SlackError("invalid_command")
    said = rewrite_command(workspace, text, should_escape=command.should_escape)
    payload = payloads.slash_command(workspace, user, channel, command, said)
    try:
        ack = await _deliver(workspace, Envelope("slash_commands", payload))
        answers.answer(workspace, ResponseUrl(user, channel.id, workspace.clock()), ack)
    except SlackError as failed:
        sentence = f'{name} failed with the error "{failed.code}"'
        messages.whisper(workspace, channel, user, {"user": "USLACKBOT"}, sentence)
        raise


async def act_in_message(
    workspace: Workspace, user: str, channel: Channel, message_ts: str, action: Json, state: Json
) -> None:
    """Press or choose something in a message."""
    message = find_message(channel, message_ts, user)
    blocks = list(message.get("blocks", []))
    for attachment in message.get("attachments", []):
        blocks += attachment.get("blocks", [])
    payload = payloads.message_action(workspace, user, channel, message, state)
    payload["actions"] = [_action(workspace, blocks, action)]
    await _deliver(workspace, Envelope("interactive", payload))


async def act_in_view(workspace: Workspace, user: str, view_id: str, action: Json, entered: Json) -> None:
    """Press or choose something in a modal or App Home."""
    view = _own_view(workspace, user, view_id)
    blocks = view.payload["blocks"]
    payload = payloads.view_action(workspace, user, view, complete_values(blocks, entered))
    payload["actions"] = [_action(workspace, blocks, action)]
    await _deliver(workspace, Envelope("interactive", payload))


async def submit_view(workspace: Workspace, user: str, view_id: str, entered: Json) -> Json:
    """Submit a modal: {ok, closed}, {ok: False, errors} or a SlackError; applies the app's response_action."""
    view = _own_view(workspace, user, view_id)
    values = complete_values(view.payload["blocks"], entered)
    errors = find_errors(view.payload["blocks"], values)
    if errors:
        return {"ok": False, "errors": errors}
    payload = payloads.view_submission(workspace, user, view, values)
    try:
        ack = await _deliver(workspace, Envelope("interactive", payload))
    except SlackError as failed:
        raise SlackError(TROUBLE) from failed
    return _apply(workspace, view, ack)


async def close_view(workspace: Workspace, user: str, view_id: str) -> None:
    """Dismiss a modal; the app is told where it asked for it. Nothing when it is closed already."""
    if view_id not in workspace.state.views:
        return
    view = _own_view(workspace, user, view_id)
    is_cleared = bool(view.payload["clear_on_close"])
    closed = views.close_all(workspace, user) if is_cleared else [view]
    if not is_cleared:
        views.close(workspace, view)
    for each in closed:
        if each.payload["notify_on_close"]:
            payload = payloads.view_closed(workspace, user, each, is_cleared=is_cleared)
            await _deliver(workspace, Envelope("interactive", payload))


async def run_shortcut(
    workspace: Workspace, user: str, callback_id: str, channel: Channel | None, message_ts: str
) -> None:
    """Use a global shortcut, or one on a message."""
    known = next((s for s in workspace.manifest.shortcuts if s.callback_id == callback_id), None)
    if known is None:
        raise SlackError("shortcut_not_found")
    if known.type == "global":
        payload = payloads.shortcut(workspace, user, callback_id)
    elif channel is None:
        raise SlackError("channel_not_found")
    else:
        message = messages.find(channel, message_ts)
        payload = payloads.message_shortcut(workspace, user, callback_id, channel, message)
    await _deliver(workspace, Envelope("interactive", payload))


async def suggest_options(
    workspace: Workspace, user: str, place: View | tuple[Channel, Json], block_id: str, action_id: str, value: str
) -> Json:
    """Ask the app for the options of an external select: {options} or {option_groups}."""
    payload = payloads.interaction(workspace, "block_suggestion", user)
    payload |= {"block_id": block_id, "action_id": action_id, "value": value}
    if isinstance(place, View):
        payload["container"] = {"type": "view", "view_id": place.id}
        payload["view"] = place.payload
    else:
        channel, message = place
        container = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id}
        payload |= {
            "container": container,
            "channel": payloads.show_channel_reference(channel),
            "message": message,
        }
    ack = await _deliver(workspace, Envelope("interactive", payload))
    offered: Json = {name: ack[name] for name in ("options", "option_groups") if name in ack}
    return offered or {"options": []}


def find_message(channel: Channel, ts: str, user: str) -> Json:
    """A message as the user sees it, ephemeral ones included; message_not_found."""
    for message in channel.ephemerals:
        if message["ts"] == ts and message["for_user"] == user:
            return message
    return messages.find(channel, ts)


async def _deliver(workspace: Workspace, envelope: Envelope) -> Json:
    try:
        return await workspace.deliver(envelope)
    except DeliveryFailed as failed:
        raise SlackError(_FAILURES[failed.reason]) from failed


def _own_view(workspace: Workspace, user: str, view_id: str) -> View:
    view = workspace.state.views.get(view_id)
    if view is None or view.user != user:
        raise SlackError("view_not_found")
    return view


def _action(workspace: Workspace, blocks: list[Json], action: Json) -> Json:
    """The `actions` entry: what the user did, with the text of the element that the app sent.

    A message may have changed since it was shown: then the element counts that has the same name in it now.
    """
    for block in sorted(blocks, key=lambda one: one.get("block_id") != action.get("block_id")):
        for element in interactive(block):
            if element["action_id"] == action.get("action_id"):
                check_choice(element, action)
                shown: Json = {name: element[name] for name in ("text", "value", "style") if name in element}
                place = {"type": element["type"], "block_id": block["block_id"]}
                return {**action, **shown, **place, "action_ts": workspace.ids.ts()}
    raise SlackError("action_not_found")


def _apply(workspace: Workspace, view: View, ack: Json) -> Json:
    action = ack.get("response_action")
    if action == "errors":
        return {"ok": False, "errors": _known_errors(view, ack)}
    if action == "clear":
        views.close_all(workspace, view.user)
        return {"ok": True, "closed": True}
    try:
        if action == "update":
            views.update(workspace, view, ack["view"])
        elif action == "push":
            views.push_modal(workspace, view.user, ack["view"])
    except (SlackError, KeyError):
        # Slack does not say more to the user, and nothing to the app.
        raise SlackError(TROUBLE) from None
    if action in ("update", "push"):
        return {"ok": True, "closed": False}
    if view.id in workspace.state.views:
        views.close(workspace, view)
    return {"ok": True, "closed": True}


def _known_errors(view: View, ack: Json) -> Json:
    """Slack refuses errors for blocks that are no inputs of this view."""
    errors: Json = ack.get("errors") or {}
    inputs = {block["block_id"] for block in view.payload["blocks"] if block["type"] == "input"}
    if not errors or not set(errors) <= inputs:
        raise SlackError(TROUBLE)
    return errors
