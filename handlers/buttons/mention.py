"""The button that opens the form for which a mention was not enough."""

from __future__ import annotations

from typing import Any

from bot.outcome import Refused
from handlers.buttons.press import Button
from handlers.commands.listener import COMMANDS, answer
from handlers.request import Reply, Request


def open_form(request: Request, value: dict[str, Any]) -> Reply:
    """The command again, by whoever presses, now with something that Slack opens a form for."""
    command = str(value["command"])
    if command not in COMMANDS:
        raise Refused(f"There is no command {command}.", "`/incident help` and `/dr help` list them.")
    body = {
        "user_id": request.user_id, "channel_id": request.channel_id, "channel_name": request.channel_name,
        "text": str(value["text"]), "trigger_id": request.trigger_id,
    }  # fmt: skip
    return answer(request.services, command, COMMANDS[command], body)


BUTTONS = [Button("mention.form", open_form)]
