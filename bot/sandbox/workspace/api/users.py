"""users.* and usergroups.*"""

from __future__ import annotations

from bot.sandbox.workspace.calls import Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.paging import page
from bot.sandbox.workspace.people import Usergroup
from bot.sandbox.workspace.presentation import show_profile, show_user
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.vendor import Json

_READ = ("users:read",)
_GROUPS = ("usergroups:read",)


@method("users.info", Tier.FOUR, _READ)
def info(call: Call) -> Json:
    """One user."""
    return {"user": show_user(call.workspace, call.workspace.state.user(call.text("user")))}


@method("users.list", Tier.TWO, _READ)
def list_users(call: Call) -> Json:
    """Everybody, bots too, a page at a time."""
    entries, cursor = page(call, list(call.workspace.state.users.values()), default=1000)
    return {
        "members": [show_user(call.workspace, user) for user in entries],
        "cache_ts": call.workspace.now(),
        "response_metadata": {"next_cursor": cursor},
    }


@method("users.lookupByEmail", Tier.THREE, ("users:read.email",))
def look_up_by_email(call: Call) -> Json:
    """The user with this address."""
    email = call.required("email", "users_not_found").lower()
    for user in call.workspace.state.users.values():
        if user.email.lower() == email and not (user.is_bot or user.is_deactivated or user.home):
            return {"user": show_user(call.workspace, user)}
    raise SlackError("users_not_found")


@method("users.profile.get", Tier.FOUR, ("users.profile:read",))
def get_profile(call: Call) -> Json:
    """A user's profile."""
    user = call.workspace.state.user(call.text("user") or call.caller)
    return {"profile": show_profile(call.workspace, user)}


@method("users.getPresence", Tier.THREE, _READ)
def get_presence(call: Call) -> Json:
    """Active while the user has the page open."""
    user = call.workspace.state.user(call.text("user") or call.caller)
    return {"presence": "active" if user.id in call.workspace.hub.watching() else "away"}


@method("usergroups.list", Tier.TWO, _GROUPS)
def list_groups(call: Call) -> Json:
    """The user groups."""
    with_users = call.flag("include_users")
    groups = call.workspace.state.usergroups.values()
    return {"usergroups": [_show_group(call, group, with_users=with_users) for group in groups]}


@method("usergroups.users.list", Tier.TWO, _GROUPS)
def list_group_users(call: Call) -> Json:
    """The members of a user group."""
    group = call.workspace.state.usergroups.get(call.text("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _show_group(call: Call, group: Usergroup, *, with_users: bool) -> Json:
    shown: Json = {
        "id": group.id,
        "team_id": call.workspace.state.team_id,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": 0,
        "user_count": len(group.users),
    }
    return {**shown, "users": list(group.users)} if with_users else shown
