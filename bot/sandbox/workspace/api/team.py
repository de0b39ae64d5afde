"""api.test, auth.test, team.info, emoji.list, apps.connections.open."""

from __future__ import annotations

from bot.sandbox.workspace.calls import Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.vendor import Json


@method("api.test", Tier.FOUR, caller="anyone")
def api_test(call: Call) -> Json:
    """Echo the arguments; `error` makes it fail with that code."""
    arguments = {name: value for name, value in call.arguments.items() if name != "token"}
    if call.text("error"):
        raise SlackError(call.text("error"), args=arguments)
    return {"args": arguments}


@method("auth.test", Tier.UNLIMITED)
def auth_test(call: Call) -> Json:
    """Whose token this is."""
    state, installed = call.workspace.state, call.workspace.installed
    return {
        "url": f"https://{state.team_domain}.slack.com/",
        "team": state.team_name,
        "user": call.workspace.bot_user.name,
        "team_id": state.team_id,
        "user_id": installed.bot_user_id,
        "bot_id": installed.bot_id,
        "is_enterprise_install": False,
    }


@method("team.info", Tier.THREE, ("team:read",))
def team_info(call: Call) -> Json:
    """The workspace."""
    state = call.workspace.state
    team = {"id": state.team_id, "name": state.team_name, "domain": state.team_domain, "email_domain": ""}
    return {"team": {**team, "icon": {"image_default": True}}}


@method("emoji.list", Tier.TWO, ("emoji:read",))
def emoji_list(call: Call) -> Json:
    """The workspace's own emoji: none."""
    return {"emoji": {}, "cache_ts": str(call.workspace.now())}


# Slack documents tier 1 and tolerates bursts; a strict one a minute would forbid any reconnection.
@method("apps.connections.open", Tier.TWO, caller="app")
def open_connection(call: Call) -> Json:
    """A Socket Mode address, good for one connection."""
    base = call.workspace.base_url.replace("http", "ws", 1)
    ticket = call.workspace.sockets.issue_ticket()
    return {"url": f"{base}/link/?ticket={ticket}&app_id={call.workspace.installed.id}"}
