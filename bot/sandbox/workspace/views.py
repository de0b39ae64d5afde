"""Modals and App Homes: opening, the stack of three, updating by id or external id, hashes."""

from __future__ import annotations

import secrets

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.completion import complete_blocks
from bot.sandbox.workspace.limits.surfaces import check_view
from bot.sandbox.workspace.state import View
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

STACK = 3
_OPTIONAL = ("submit", "close")


def open_modal(workspace: Workspace, user: str, view: Json) -> View:
    """Show a modal to a user; what was open before is gone."""
    opened = _new(workspace, user, view, "modal")
    close_all(workspace, user)
    _show(workspace, opened, "view_opened")
    return opened


def push_modal(workspace: Workspace, user: str, view: Json) -> View:
    """Show a modal on top of the open ones; SlackError push_limit_reached beyond three,
    not_found when none is open."""
    stack = workspace.state.stacks.get(user, [])
    if not stack:
        raise SlackError("not_found")
    if len(stack) >= STACK:
        raise SlackError("push_limit_reached")
    pushed = _new(workspace, user, view, "modal")
    pushed.payload["root_view_id"] = stack[0]
    pushed.payload["previous_view_id"] = stack[-1]
    _show(workspace, pushed, "view_pushed")
    return pushed


def publish_home(workspace: Workspace, user: str, view: Json) -> View:
    """Set a user's App Home."""
    home_id = workspace.state.homes.get(user)
    if home_id:
        return update(workspace, workspace.state.views[home_id], view)
    home = _new(workspace, user, view, "home")
    workspace.state.views[home.id] = home
    workspace.state.homes[user] = home.id
    workspace.hub.publish({"type": "home", "view": home.payload}, {user})
    return home


def update(workspace: Workspace, view: View, content: Json) -> View:
    """Replace what a view shows; its id, stack and external id stay."""
    kind = view.payload["type"]
    check_view(content, kind)
    _check_external_id(workspace, content, view.id)
    kept = {name: view.payload[name] for name in ("root_view_id", "previous_view_id", "id", "external_id")}
    view.payload = {**_complete(workspace, content), **kept}
    if content.get("external_id"):
        view.payload["external_id"] = content["external_id"]
    if kind == "home":
        workspace.hub.publish({"type": "home", "view": view.payload}, {view.user})
    else:
        workspace.hub.publish({"type": "view_updated", "view": view.payload}, {view.user})
    return view


def find(workspace: Workspace, *, view_id: str = "", external_id: str = "") -> View:
    """A view by either id; SlackError not_found when it is closed or never was."""
    for view in workspace.state.views.values():
        if view.id == view_id or (external_id and view.payload["external_id"] == external_id):
            return view
    raise SlackError("not_found")


def close(workspace: Workspace, view: View) -> None:
    """Take one view off its user's stack."""
    workspace.state.views.pop(view.id, None)
    stack = workspace.state.stacks.get(view.user, [])
    if view.id in stack:
        stack.remove(view.id)
    workspace.hub.publish({"type": "view_closed", "view": view.payload}, {view.user})


def close_all(workspace: Workspace, user: str) -> list[View]:
    """Close every modal of a user, the top one first; the closed ones."""
    closed = [workspace.state.views[view_id] for view_id in reversed(workspace.state.stacks.get(user, []))]
    for view in closed:
        close(workspace, view)
    return closed


def _new(workspace: Workspace, user: str, content: Json, kind: str) -> View:
    check_view(content, kind)
    _check_external_id(workspace, content)
    payload = _complete(workspace, content)
    payload["id"] = workspace.ids.new("V")
    payload["root_view_id"] = payload["id"]
    return View(payload["id"], user, payload)


def _show(workspace: Workspace, view: View, event: str) -> None:
    workspace.state.views[view.id] = view
    workspace.state.stacks.setdefault(view.user, []).append(view.id)
    workspace.hub.publish({"type": event, "view": view.payload}, {view.user})


def _complete(workspace: Workspace, content: Json) -> Json:
    """Slack's view object made of what the app gave."""
    payload: Json = {
        "id": "",
        "team_id": workspace.state.team_id,
        "type": content["type"],
        "blocks": complete_blocks(content["blocks"], workspace.ids.block_id),
        "private_metadata": content.get("private_metadata") or "",
        "callback_id": content.get("callback_id") or "",
        "external_id": content.get("external_id") or "",
        "state": {"values": {}},
        "hash": f"{workspace.now()}.{secrets.token_hex(4)}",
        "title": content.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
        "clear_on_close": bool(content.get("clear_on_close")),
        "notify_on_close": bool(content.get("notify_on_close")),
        "previous_view_id": None,
        "root_view_id": "",
        "app_id": workspace.installed.id,
        "app_installed_team_id": workspace.state.team_id,
        "bot_id": workspace.installed.bot_id,
    }
    return payload | {name: content.get(name) or None for name in _OPTIONAL}


def _check_external_id(workspace: Workspace, content: Json, own_id: str = "") -> None:
    external_id = content.get("external_id")
    if not external_id:
        return
    for view in workspace.state.views.values():
        if view.payload["external_id"] == external_id and view.id != own_id:
            raise SlackError("duplicate_external_id")
