"""Slack's objects of what the state holds, as the Web API and payloads show them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.sandbox.workspace.state import Channel, SharedFile, User
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace


def show_user(workspace: Workspace, user: User) -> Json:
    """Slack's user object; the email only where the app has users:read.email."""
    zone = ZoneInfo(user.tz)
    moment = datetime.fromtimestamp(workspace.clock(), zone)
    offset = moment.utcoffset()
    return {
        "id": user.id,
        "team_id": user.home or workspace.state.team_id,
        "name": user.name,
        "deleted": user.is_deactivated,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": moment.tzname(),
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": show_profile(workspace, user),
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def show_profile(workspace: Workspace, user: User) -> Json:
    """Slack's profile object."""
    profile = {
        "title": user.title,
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "status_text": "",
        "status_emoji": "",
        "team": user.home or workspace.state.team_id,
    }
    if not user.is_bot and "users:read.email" in workspace.manifest.scopes:
        profile["email"] = user.email
    if user.is_bot:
        profile |= {"api_app_id": workspace.installed.id, "bot_id": workspace.installed.bot_id}
    return profile


def show_channel(workspace: Workspace, channel: Channel, viewer: str) -> Json:
    """Slack's conversation object."""
    common = {
        "id": channel.id,
        "created": channel.created,
        "is_im": channel.is_im,
        "is_archived": channel.is_archived,
        "is_org_shared": False,
        "context_team_id": workspace.state.team_id,
        "updated": channel.created * 1000,
    }
    if channel.is_im:
        other = next((m for m in channel.members if m != viewer), viewer)
        return {**common, "user": other, "is_user_deleted": False, "priority": 0}
    return {
        **common,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_general": channel.is_general,
        "is_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "parent_conversation": None,
        "unlinked": 0,
        "creator": channel.creator,
        "is_member": viewer in channel.members,
        "num_members": len(channel.members),
        "topic": channel.topic.as_slack(),
        "purpose": channel.purpose.as_slack(),
        "previous_names": channel.previous_names,
    }


def show_file(workspace: Workspace, file: SharedFile) -> Json:
    """Slack's file object."""
    path = f"{workspace.state.team_id}-{file.id}/{file.name}"
    extension = file.name.rpartition(".")[2].lower()
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": extension if "." in file.name else "text",
        "pretty_type": extension.upper(),
        "user": file.user,
        "user_team": workspace.state.team_id,
        "size": file.size_bytes,
        "mode": "hosted",
        "is_external": False,
        "is_public": any(c in workspace.state.channels for c in file.shared_in),
        "url_private": f"{workspace.base_url}/files-pri/{path}",
        "url_private_download": f"{workspace.base_url}/files-pri/{path}?download=1",
        "permalink": f"{workspace.base_url}/files/{file.user}/{file.id}/{file.name}",
        "channels": list(file.shared_in),
        "groups": [],
        "ims": [],
        "shares": {"public": {c: [{"ts": ts}] for c, ts in file.shared_in.items()}},
        **({"alt_txt": file.alt_text} if file.alt_text else {}),
    }


def show_message(message: Json, *, with_metadata: bool = False) -> Json:
    """A message as the API lists it: metadata only when asked for."""
    if with_metadata or "metadata" not in message:
        return message
    return {name: value for name, value in message.items() if name != "metadata"}


def permalink(workspace: Workspace, channel: Channel, ts: str) -> str:
    """The link to a message; opens the page at it."""
    parent = channel.messages[ts].get("thread_ts", ts)
    link = f"{workspace.base_url}/archives/{channel.id}/p{ts.replace('.', '')}"
    return link if parent == ts else f"{link}?thread_ts={parent}&cid={channel.id}"
