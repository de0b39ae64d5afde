"""What a shortcut's handler is, and the listener that takes them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App, Respond

from bot.services import Services
from bot.slack.client import SlackRefusal, call
from handlers import shortcuts
from handlers.boundary import guard
from handlers.request import Reply, Request, read_request


@dataclass(frozen=True)
class Shortcut:
    """`callback_id` as manifest.yml has it; `message` is empty for one that is used from anywhere."""

    callback_id: str
    handle: Callable[[Request, dict[str, Any]], Reply]


def register(app: App, services: Services) -> None:
    """Listen to every shortcut: each file beside this one with a `SHORTCUT`."""
    for shortcut in find_shortcuts():
        app.shortcut(shortcut.callback_id)(_listener(services, shortcut))


def find_shortcuts() -> list[Shortcut]:
    modules = [
        importlib.import_module(f"{shortcuts.__name__}.{info.name}")
        for info in pkgutil.iter_modules(shortcuts.__path__)
    ]
    return [module.SHORTCUT for module in modules if hasattr(module, "SHORTCUT")]


def _listener(services: Services, shortcut: Shortcut) -> Any:
    def listen(ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        ack()
        reply = guard(lambda: shortcut.handle(read_request(services, body), body.get("message") or {}))
        if reply.text:
            _tell(services, body, respond, reply)

    return listen


def _tell(services: Services, body: dict[str, Any], respond: Respond, reply: Reply) -> None:
    """To the person alone: beside the message where there is one, else in a conversation of their own.

    Only in channels that we are in can it stand in the message's thread.
    """
    user, channel = str(body["user"]["id"]), (body.get("channel") or {}).get("id")
    if not channel:
        call(services.slack.chat_postMessage, channel=user, text=reply.text, blocks=reply.blocks or None)
        return
    try:
        call(
            services.slack.chat_postEphemeral,
            channel=channel,
            user=user,
            text=reply.text,
            blocks=reply.blocks or None,
            thread_ts=(body.get("message") or {}).get("thread_ts"),
        )
    except SlackRefusal:
        respond(text=reply.text, blocks=reply.blocks or None, response_type="ephemeral", replace_original=False)
