"""conversations.history and conversations.replies."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from bot.sandbox.workspace.calls import HISTORY, Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.presentation import show_message
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json

_HIGHEST = 999


@method("conversations.history", Tier.THREE, HISTORY)
def history(call: Call) -> Json:
    """The channel's messages, newest first, without thread replies that were not broadcast."""
    channel = call.channel(member=True)
    found = [m for m in reversed(channel.messages.values()) if not _is_hidden_reply(m)]
    chosen, cursor = _page(call, _between(call, found), descending=True)
    answer = _answer(call, chosen, cursor)
    return {**answer, "pin_count": len(channel.pins)}


@method("conversations.replies", Tier.THREE, HISTORY)
def replies(call: Call) -> Json:
    """A thread, oldest first, its parent first of all; of a reply's ts, the reply alone."""
    channel = call.channel(member=True)
    ts = call.required("ts", "thread_not_found")
    if ts not in channel.messages:
        raise SlackError("thread_not_found")
    chosen, cursor = _page(call, _between(call, thread_of(channel, ts)), descending=False)
    return _answer(call, chosen, cursor)


def thread_of(channel: Channel, ts: str) -> list[Json]:
    """The parent (if it still exists) and its replies."""
    wanted = [ts, *channel.threads.get(ts, [])]
    return [channel.messages[each] for each in wanted if each in channel.messages]


def _is_hidden_reply(message: Json) -> bool:
    is_reply = message.get("thread_ts", message["ts"]) != message["ts"]
    return is_reply and message.get("subtype") != "thread_broadcast"


def _between(call: Call, found: Iterable[Json]) -> list[Json]:
    oldest, latest = _bound(call, "oldest", 0.0), _bound(call, "latest", float("inf"))
    if call.flag("inclusive"):
        return [m for m in found if oldest <= float(m["ts"]) <= latest]
    return [m for m in found if oldest < float(m["ts"]) < latest]


def _bound(call: Call, name: str, default: float) -> float:
    try:
        return float(call.text(name) or default)
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _page(call: Call, found: list[Json], *, descending: bool) -> tuple[list[Json], str]:
    """By the next message's ts rather than an offset: messages that arrive in between shift nothing."""
    limit = call.integer("limit", 100)
    if not 1 <= limit <= _HIGHEST:
        raise SlackError("invalid_limit")
    cursor = call.text("cursor")
    if cursor:
        start = _decode(cursor)
        found = [m for m in found if (m["ts"] <= start if descending else m["ts"] >= start)]
    following = found[limit]["ts"] if len(found) > limit else ""
    encoded = base64.b64encode(f"next_ts:{following}".encode()).decode() if following else ""
    return found[:limit], encoded


def _decode(cursor: str) -> str:
    try:
        word, _, ts = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise SlackError("invalid_cursor") from None
    if word != "next_ts":
        raise SlackError("invalid_cursor")
    return ts


def _answer(call: Call, chosen: list[Json], cursor: str) -> Json:
    with_metadata = call.flag("include_all_metadata")
    answer: Json = {
        "messages": [show_message(m, with_metadata=with_metadata) for m in chosen],
        "has_more": bool(cursor),
    }
    if cursor:
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer
