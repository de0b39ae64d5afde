"""The pin reaction, edits and deletions: what they do to a message is followed by `bot.comms.pinning`."""

from __future__ import annotations

from bot.comms.pinning import Event as Followed
from bot.outcome import Refused
from handlers.events.event import Event, Happening

MESSAGE_EVENTS: dict[str, Followed] = {"message_changed": "changed", "message_deleted": "deleted"}


def reacted(happening: Happening) -> None:
    _follow_reaction(happening, "reacted")


def unreacted(happening: Happening) -> None:
    _follow_reaction(happening, "unreacted")


def _follow_reaction(happening: Happening, followed: Followed) -> None:
    """Only the policy's emoji, in an incident's channel, by somebody in the policy: anything else is chatter."""
    services, event = happening.services, happening.event
    item = event.get("item") or {}
    emoji = str(event.get("reaction") or "").partition("::")[0]
    if emoji != services.policy.slack.pin_emoji or item.get("type") != "message":
        return
    if services.desk.by_channel(str(item["channel"])) is None:
        return
    try:
        person = services.directory.person(str(event["user"]))
    except Refused:
        return
    _start(happening, followed, str(item["channel"]), str(item["ts"]), person.key)


def changed(happening: Happening) -> None:
    """Messages as such are none of our business; edits and deletions of those that were pinned are."""
    event = happening.event
    followed = MESSAGE_EVENTS.get(str(event.get("subtype") or ""))
    if followed is None:
        return
    ts = str(event.get("deleted_ts") or (event.get("message") or {}).get("ts") or "")
    channel = str(event["channel"])
    if happening.services.pins.is_pinned(channel, ts):
        _start(happening, followed, channel, ts, "holdfast")


def _start(happening: Happening, followed: Followed, channel: str, ts: str, actor: str) -> None:
    services = happening.services
    with services.database.write() as session:
        services.pinning.start(session, followed, channel, ts, actor=actor, cause=f"slack-{happening.id}")


EVENTS = [Event("reaction_added", reacted), Event("reaction_removed", unreacted), Event("message", changed)]
