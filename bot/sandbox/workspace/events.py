"""Events for the app (docs.slack.dev, "Events API"): which ones it gets, and repeats when it does not answer."""

from __future__ import annotations

import asyncio
import logging

from bot.sandbox.workspace.delivery.envelope import DeliveryFailed, Envelope
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

logger = logging.getLogger(__name__)
_MESSAGE_EVENTS = {"public": "message.channels", "private": "message.groups", "im": "message.im"}
_CHANNEL_TYPES = {"public": "channel", "private": "group", "im": "im"}


def tell(workspace: Workspace, subscription: str, event: Json, channel: Channel | None = None) -> None:
    """Send an event to the app if its manifest subscribes to it and it may see the channel."""
    if subscription not in workspace.manifest.events:
        return
    if channel is not None and not channel.visible_to(workspace.installed.bot_user_id):
        return
    workspace.spawn(_deliver(workspace, _wrap(workspace, event)))


def tell_message(workspace: Workspace, channel: Channel, message: Json) -> None:
    """Send a message event; `message` may be an ordinary message or one with a subtype."""
    if not workspace.bot_is_in(channel):
        return
    event = {
        **{name: value for name, value in message.items() if name != "metadata"},
        "type": "message",
        "channel": channel.id,
        "channel_type": _CHANNEL_TYPES[channel.kind],
        "event_ts": message["ts"],
    }
    tell(workspace, _MESSAGE_EVENTS[channel.kind], event, channel)


def tell_mention(workspace: Workspace, channel: Channel, message: Json) -> None:
    """Send app_mention when a person's message names the app in a channel that it is in."""
    mention = f"<@{workspace.installed.bot_user_id}>"
    if mention not in message["text"] or message.get("bot_id") or not workspace.bot_is_in(channel):
        return
    event = {**message, "type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}
    if not channel.is_im:
        tell(workspace, "app_mention", event, channel)


def _wrap(workspace: Workspace, event: Json) -> Json:
    return {
        "token": "sandbox",
        "team_id": workspace.state.team_id,
        "api_app_id": workspace.installed.id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.ids.new("Ev"),
        "event_time": workspace.now(),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.state.team_id,
                "user_id": workspace.installed.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": workspace.ids.new("4-"),
    }


async def _deliver(workspace: Workspace, payload: Json) -> None:
    """Once, then again after each of the retry delays until it is acknowledged."""
    reason = ""
    for attempt, delay_s in enumerate((0.0, *workspace.timing.retry_delays_s)):
        await asyncio.sleep(delay_s)
        envelope = Envelope("events_api", payload, attempt, reason)
        try:
            await workspace.deliver(envelope)
        except DeliveryFailed as failed:
            reason = failed.reason
            if not failed.may_retry:
                return
        else:
            return
    logger.warning("event %s was never acknowledged: %s", payload["event_id"], reason)
