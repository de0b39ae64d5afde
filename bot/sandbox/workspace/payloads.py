"""Interaction payloads in Slack's own shapes (docs.slack.dev, "Interaction payloads")."""

from __future__ import annotations

from bot.sandbox.workspace.manifest import SlashCommand
from bot.sandbox.workspace.presentation import show_message
from bot.sandbox.workspace.state import Channel, View
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace


def slash_command(workspace: Workspace, user: str, channel: Channel, command: SlashCommand, text: str) -> Json:
    """What a slash command sends: every value is text, as in a form."""
    return {
        "token": "sandbox",
        "team_id": workspace.state.team_id,
        "team_domain": workspace.state.team_domain,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user,
        "user_name": workspace.state.users[user].name,
        "command": command.command,
        "text": text,
        "api_app_id": workspace.installed.id,
        "is_enterprise_install": "false",
        "response_url": workspace.issue_response_url(user, channel.id),
        "trigger_id": workspace.triggers.issue(user),
    }


def interaction(workspace: Workspace, kind: str, user: str) -> Json:
    """The fields that every interaction has."""
    return {
        "type": kind,
        "token": "sandbox",
        "api_app_id": workspace.installed.id,
        "team": workspace.team(),
        "user": _user(workspace, user),
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_action(workspace: Workspace, user: str, channel: Channel, message: Json, state: Json) -> Json:
    """The surroundings of an action in a message; Slack leaves the message out when it is ephemeral."""
    is_ephemeral = bool(message.get("ephemeral"))
    container: Json = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": is_ephemeral,
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    payload: Json = {
        **interaction(workspace, "block_actions", user),
        "container": container,
        "trigger_id": workspace.triggers.issue(user),
        "channel": show_channel_reference(channel),
        "state": state or {"values": {}},
        "response_url": workspace.issue_response_url(user, channel.id, message["ts"], is_ephemeral=is_ephemeral),
    }
    return payload if is_ephemeral else {**payload, "message": show_message(message)}


def view_action(workspace: Workspace, user: str, view: View, values: Json) -> Json:
    """The surroundings of an action in a modal or App Home."""
    return {
        **interaction(workspace, "block_actions", user),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": workspace.triggers.issue(user),
        "view": with_state(view, values),
    }


def view_submission(workspace: Workspace, user: str, view: View, values: Json) -> Json:
    """A modal that was submitted."""
    return {
        **interaction(workspace, "view_submission", user),
        "trigger_id": workspace.triggers.issue(user),
        "view": with_state(view, values),
        "response_urls": _response_urls(workspace, user, view, values),
    }


def view_closed(workspace: Workspace, user: str, view: View, *, is_cleared: bool) -> Json:
    """A modal that was dismissed."""
    return {
        **interaction(workspace, "view_closed", user),
        "view": with_state(view, {}),
        "is_cleared": is_cleared,
    }


def shortcut(workspace: Workspace, user: str, callback_id: str) -> Json:
    """A global shortcut."""
    return {
        **interaction(workspace, "shortcut", user),
        "callback_id": callback_id,
        "trigger_id": workspace.triggers.issue(user),
        "action_ts": workspace.ids.ts(),
    }


def message_shortcut(workspace: Workspace, user: str, callback_id: str, channel: Channel, message: Json) -> Json:
    """A shortcut on a message."""
    return {
        **shortcut(workspace, user, callback_id),
        "type": "message_action",
        "channel": show_channel_reference(channel),
        "message_ts": message["ts"],
        "message": show_message(message),
        "response_url": workspace.issue_response_url(user, channel.id, message["ts"]),
    }


def channel_name(channel: Channel) -> str:
    """How payloads name a channel: `directmessage` for a DM, `privategroup` for a private one."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def show_channel_reference(channel: Channel) -> Json:
    """{id, name} of a channel."""
    return {"id": channel.id, "name": channel_name(channel)}


def with_state(view: View, values: Json) -> Json:
    """The view with what the user has entered."""
    return {**view.payload, "state": {"values": values}}


def _user(workspace: Workspace, user_id: str) -> Json:
    user = workspace.state.users[user_id]
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": workspace.state.team_id}


def _response_urls(workspace: Workspace, user: str, view: View, values: Json) -> list[Json]:
    """One for each conversation select with response_url_enabled."""
    found: list[Json] = []
    for block in view.payload["blocks"]:
        element = block.get("element") or {}
        if not element.get("response_url_enabled"):
            continue
        entered = values.get(block["block_id"], {}).get(element["action_id"], {})
        channel = entered.get("selected_conversation") or entered.get("selected_channel")
        if channel:
            found.append(
                {
                    "block_id": block["block_id"],
                    "action_id": element["action_id"],
                    "channel_id": channel,
                    "response_url": workspace.issue_response_url(user, channel),
                }
            )
    return found
