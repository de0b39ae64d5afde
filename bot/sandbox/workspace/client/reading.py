"""What the page reads: the workspace, messages, App Home, the stage."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from zlib import adler32

from bot.sandbox.workspace import channels, events
from bot.sandbox.workspace.api.history import thread_of
from bot.sandbox.workspace.client.asking import Asking
from bot.sandbox.workspace.client.emoji import EMOJI
from bot.sandbox.workspace.pages import show_for_page
from bot.sandbox.workspace.state import User
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

_COLORS = ("#7c3aed", "#0f766e", "#b45309", "#be185d", "#1d4ed8", "#4d7c0f", "#9f1239", "#0e7490", "#047857", "#c2410c")


async def boot(asking: Asking) -> Json:
    """Everything that the page needs to start."""
    workspace, user = asking.workspace, asking.user
    state, manifest = workspace.state, workspace.manifest
    channels.open_direct(workspace, workspace.installed.bot_user_id, user)
    return {
        "team": {"id": state.team_id, "name": state.team_name},
        "me": show_person(state.users[user]),
        "users": [show_person(each) for each in state.users.values()],
        "usergroups": [
            {"id": g.id, "handle": g.handle, "name": g.name, "users": list(g.users)} for g in state.usergroups.values()
        ],
        "channels": [channels.show_for_page(workspace, channel, user) for channel in state.visible_channels(user)],
        "commands": [
            {"command": c.command, "usage_hint": c.usage_hint, "description": c.description}
            for c in manifest.commands.values()
        ],
        "shortcuts": [
            {"name": s.name, "type": s.type, "callback_id": s.callback_id, "description": s.description}
            for s in manifest.shortcuts
        ],
        "app": {
            "id": workspace.installed.id,
            "bot_user_id": workspace.installed.bot_user_id,
            "name": manifest.bot_name,
        },
        "emoji": EMOJI,
    }


async def list_messages(asking: Asking) -> Json:
    """A channel's latest messages or a thread, oldest first, with what only this person sees."""
    channel, user, thread_ts = asking.channel, asking.user, asking.text("thread_ts")
    whispers = [m for m in channel.ephemerals if m["for_user"] == user]
    if thread_ts:
        found = thread_of(channel, thread_ts) + [m for m in whispers if m.get("thread_ts") == thread_ts]
    else:
        found = [m for m in channel.messages.values() if _in_channel(m)]
        found += [m for m in whispers if not m.get("thread_ts")]
    found = sorted(found, key=_by_ts)
    before = asking.text("before")
    if before:
        found = [m for m in found if m["ts"] < before]
    limit = int(asking.text("limit") or 50)
    shown = [show_for_page(asking.workspace, m) for m in found[-limit:]]
    return {"messages": shown, "has_more": len(found) > limit}


async def home(asking: Asking) -> Json:
    """The person's App Home; opening it is told to the app."""
    workspace, user = asking.workspace, asking.user
    direct, _ = channels.open_direct(workspace, workspace.installed.bot_user_id, user)
    view = workspace.state.views.get(workspace.state.homes.get(user, ""))
    event: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": direct.id,
        "tab": "home",
        "event_ts": workspace.ids.ts(),
    }
    if view:
        event["view"] = view.payload
    events.tell(workspace, "app_home_opened", event)
    return {"view": view.payload if view else None}


async def stage(asking: Asking) -> Json:
    """The scenarios and lights of the stage behind the workspace."""
    return await look_at_stage(asking.workspace)


async def look_at_stage(workspace: Workspace) -> Json:
    """The same, for whoever asks. What is new in it is told to every page, so that all know the last look."""
    lights = await asyncio.to_thread(workspace.stage.lights)
    scenarios = await asyncio.to_thread(workspace.stage.scenarios)
    now: Json = {"ready": True, "scenarios": _plain(scenarios), "lights": _plain(lights)}
    if now != workspace.stage_told:
        workspace.stage_told = now
        workspace.hub.publish({"type": "stage", **now})
    return now


def show_person(user: User) -> Json:
    """A user on the page."""
    words = user.real_name.split() or [user.name]
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "title": user.title,
        "email": user.email,
        "tz": user.tz,
        "is_bot": user.is_bot,
        "avatar": {
            "initials": "".join(word[0] for word in (words[0], *words[1:][-1:])).upper(),
            "color": _COLORS[adler32(user.id.encode()) % len(_COLORS)],
        },
    }


def _in_channel(message: Json) -> bool:
    is_reply = message.get("thread_ts", message["ts"]) != message["ts"]
    return not is_reply or message.get("subtype") == "thread_broadcast"


def _by_ts(message: Json) -> str:
    return str(message["ts"])


def _plain(entries: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [dict(entry) for entry in entries]
