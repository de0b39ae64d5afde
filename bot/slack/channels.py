"""Finding a channel by name: slow in a large workspace, so never on the way to declaring an incident."""

from __future__ import annotations

from typing import Any

from slack_sdk import WebClient

from bot.slack.client import call


def find_channel(client: WebClient, name: str, *, private: bool = False) -> dict[str, Any] | None:
    """The open public channel of that name, as Slack describes it; or the private one, if we are in it."""
    kind, cursor = "private_channel" if private else "public_channel", ""
    while True:
        page = call(client.conversations_list, types=kind, limit=1000, cursor=cursor, exclude_archived=True)
        for channel in page["channels"]:
            if channel["name"] == name:
                return dict(channel)
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return None


def join_or_create(client: WebClient, name: str) -> str:
    """The id of a channel that we are in afterwards. Raises `SlackRefusal` where Slack has it otherwise."""
    channel = find_channel(client, name)
    if channel is None:
        return str(call(client.conversations_create, name=name)["channel"]["id"])
    if not channel.get("is_member"):
        call(client.conversations_join, channel=channel["id"])
    return str(channel["id"])
