"""The listeners behind /incident and /dr: from Slack's payload to a subcommand and back."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App

from bot.services import Services
from handlers.boundary import guard
from handlers.commands.subcommand import choose, split_words, write_help
from handlers.request import Reply, Request

COMMANDS = {"/incident": "handlers.commands.incident", "/dr": "handlers.commands.dr"}


def register(app: App, services: Services) -> None:
    """Listen to every command."""
    for command, package_name in COMMANDS.items():
        app.command(command)(_listener(services, command, package_name))


def _listener(services: Services, command: str, package_name: str) -> Any:
    def listen(ack: Ack, body: dict[str, Any]) -> None:
        # What was asked for is committed before Slack is told: an acknowledged command is a kept one.
        reply = guard(lambda: answer(services, command, package_name, body))
        ack(text=reply.text, blocks=reply.blocks or None)

    return listen


def answer(services: Services, command: str, package_name: str, body: dict[str, Any]) -> Reply:
    """Find the subcommand and let it answer. Raises `Refused` and the like for the boundary."""
    word, rest = split_words(str(body.get("text") or ""))
    if word in ("", "help"):
        return Reply(write_help(command, package_name))
    subcommand = choose(command, package_name, word)
    request = Request(
        services=services,
        person=services.directory.person(str(body["user_id"])),
        user_id=str(body["user_id"]),
        channel_id=str(body.get("channel_id") or ""),
        channel_name=str(body.get("channel_name") or ""),
        text=rest,
        trigger_id=str(body.get("trigger_id") or ""),
    )
    return subcommand.handle(request)
