"""views.*"""

from __future__ import annotations

from typing import Any

from bot.sandbox.workspace import views
from bot.sandbox.workspace.calls import Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.surfaces import check_view
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import View
from bot.sandbox.workspace.triggers import Trigger
from bot.sandbox.workspace.vendor import Json


@method("views.open", Tier.FOUR)
def open_view(call: Call) -> Json:
    """Open a modal for the user whose interaction gave the trigger."""
    view = _view(call)
    check_view(view, "modal")
    return _show(views.open_modal(call.workspace, _trigger(call).user, view))


@method("views.push", Tier.FOUR)
def push_view(call: Call) -> Json:
    """Put a modal on top of the one in which the interaction happened."""
    view = _view(call)
    check_view(view, "modal")
    return _show(views.push_modal(call.workspace, _trigger(call).user, view))


@method("views.update", Tier.FOUR)
def update_view(call: Call) -> Json:
    """Replace a view's content; hash_conflict when somebody did since `hash` was read."""
    view = views.find(call.workspace, view_id=call.text("view_id"), external_id=call.text("external_id"))
    if call.text("hash") and call.text("hash") != view.payload["hash"]:
        raise SlackError("hash_conflict")
    return _show(views.update(call.workspace, view, _view(call)))


@method("views.publish", Tier.FOUR)
def publish_view(call: Call) -> Json:
    """Set a user's App Home."""
    if not call.workspace.manifest.home_tab:
        raise SlackError("not_enabled")
    user = call.workspace.state.user(call.required("user_id", "user_not_found"))
    view, home_id = _view(call), call.workspace.state.homes.get(user.id)
    known_hash = call.workspace.state.views[home_id].payload["hash"] if home_id else ""
    if home_id and call.text("hash", known_hash) != known_hash:
        raise SlackError("hash_conflict")
    return _show(views.publish_home(call.workspace, user.id, view))


def _view(call: Call) -> Any:
    view = call.structure("view")
    if view is None:
        raise SlackError("invalid_arguments", ["[ERROR] missing required field: view"])
    return view


def _trigger(call: Call) -> Trigger:
    return call.workspace.triggers.exchange(call.required("trigger_id"))


def _show(view: View) -> Json:
    return {"view": view.payload}
