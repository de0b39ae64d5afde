"""What a button's handler is, and the listener that takes presses."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App, Respond

from bot.services import Services
from bot.slack.client import call
from handlers import buttons
from handlers.boundary import guard
from handlers.request import Reply, Request, read_request

Handle = Callable[[Request, dict[str, Any]], Reply]


@dataclass(frozen=True)
class Button:
    """`action_id` may be followed by `:` and anything, so that several fit into one block."""

    action_id: str
    handle: Handle


def register(app: App, services: Services) -> None:
    """Listen to every button: each file beside this one with `BUTTONS`."""
    for info in pkgutil.iter_modules(buttons.__path__):
        module = importlib.import_module(f"{buttons.__name__}.{info.name}")
        for button in getattr(module, "BUTTONS", ()):
            pattern = re.compile(rf"^{re.escape(button.action_id)}(:.*)?$")
            app.action(pattern)(_listener(services, button.handle))


def _listener(services: Services, handle: Handle) -> Any:
    def listen(ack: Ack, body: dict[str, Any], action: dict[str, Any], respond: Respond) -> None:
        ack()
        reply = guard(lambda: handle(read_request(services, body), json.loads(action.get("value") or "{}")))
        if reply.text:
            _tell(services, body, respond, reply)

    return listen


def _tell(services: Services, body: dict[str, Any], respond: Respond, reply: Reply) -> None:
    """To the presser alone: in the channel, or from the home tab, which has none, by direct message."""
    if body.get("response_url"):
        respond(text=reply.text, blocks=reply.blocks or None, response_type="ephemeral", replace_original=False)
        return
    call(services.slack.chat_postMessage, channel=body["user"]["id"], text=reply.text, blocks=reply.blocks or None)
