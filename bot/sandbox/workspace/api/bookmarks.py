"""bookmarks.*"""

from __future__ import annotations

from bot.sandbox.workspace import messages
from bot.sandbox.workspace.calls import Call, method
from bot.sandbox.workspace.channels import show_bookmark
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json

_HIGHEST = 100
_WRITE = ("bookmarks:write",)


@method("bookmarks.add", Tier.TWO, _WRITE)
def add(call: Call) -> Json:
    """Add a link to a channel's header."""
    channel = call.channel("channel_id", member=True, active=True)
    title = call.required("title")
    if call.text("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if len(channel.bookmarks) >= _HIGHEST:
        raise SlackError("too_many_bookmarks")
    bookmark: Json = {
        "id": call.workspace.ids.new("Bk"),
        "channel_id": channel.id,
        "title": title,
        "link": _link(call),
        "emoji": call.text("emoji"),
        "icon_url": "",
        "type": "link",
        "entity_id": None,
        "date_created": call.workspace.now(),
        "date_updated": 0,
        "rank": "g",
        "last_updated_by_user_id": call.caller,
        "last_updated_by_team_id": call.workspace.state.team_id,
        "shortcut_id": None,
        "app_id": call.workspace.installed.id,
    }
    channel.bookmarks[bookmark["id"]] = bookmark
    _announce(call, channel)
    return {"bookmark": bookmark}


@method("bookmarks.edit", Tier.TWO, _WRITE)
def edit(call: Call) -> Json:
    """Change a bookmark's title, link or emoji."""
    channel, bookmark = _bookmark(call)
    if call.text("link"):
        bookmark["link"] = _link(call)
    for name in ("title", "emoji"):
        if call.text(name):
            bookmark[name] = call.text(name)
    bookmark["date_updated"] = call.workspace.now()
    _announce(call, channel)
    return {"bookmark": bookmark}


@method("bookmarks.remove", Tier.TWO, _WRITE)
def remove(call: Call) -> Json:
    """Take a bookmark away."""
    channel, bookmark = _bookmark(call)
    del channel.bookmarks[bookmark["id"]]
    _announce(call, channel)
    return {}


@method("bookmarks.list", Tier.THREE, ("bookmarks:read",))
def list_bookmarks(call: Call) -> Json:
    """A channel's bookmarks."""
    return {"bookmarks": list(call.channel("channel_id").bookmarks.values())}


def _bookmark(call: Call) -> tuple[Channel, Json]:
    channel = call.channel("channel_id", member=True, active=True)
    bookmark = channel.bookmarks.get(call.text("bookmark_id"))
    if bookmark is None:
        raise SlackError("not_found")
    return channel, bookmark


def _link(call: Call) -> str:
    link = call.text("link")
    if not link.startswith(("http://", "https://")):
        raise SlackError("invalid_link")
    return link


def _announce(call: Call, channel: Channel) -> None:
    shown = [show_bookmark(bookmark) for bookmark in channel.bookmarks.values()]
    event = {"type": "bookmarks", "channel": channel.id, "bookmarks": shown}
    call.workspace.hub.publish(event, messages.audience(channel))
