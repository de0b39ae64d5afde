"""The listeners behind /incident and /dr: from Slack's payload to a subcommand and back."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from slack_bolt import Ack, App, Respond

from bot.services import Services
from handlers.boundary import guard
from handlers.commands.subcommand import choose, split_words, write_help
from handlers.request import Reply, Request

COMMANDS = {"/incident": "handlers.commands.incident", "/dr": "handlers.commands.dr"}


ACK_WITHIN_S = 2.0
"""Slack allows three seconds; of these some are spent on the way."""
WORKERS = 32


def register(app: App, services: Services) -> None:
    """Listen to every command."""
    pool = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="command")
    for command, package_name in COMMANDS.items():
        app.command(command)(_listener(services, command, package_name, pool))


def _listener(services: Services, command: str, package_name: str, pool: ThreadPoolExecutor) -> Any:
    def listen(ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        # What was asked for is committed before Slack is told: an acknowledged command is a kept one.
        answering = pool.submit(guard, lambda: answer(services, command, package_name, body))
        try:
            reply = answering.result(ACK_WITHIN_S)
        except NotYet:
            ack(text=":hourglass_flowing_sand: This takes longer than usual; the answer follows.")
            _follow_up(answering, respond)
        else:
            ack(text=reply.text, blocks=reply.blocks or None)

    return listen


def _follow_up(answering: Future[Reply], respond: Respond) -> None:
    reply = answering.result()
    if reply.text:
        respond(text=reply.text, blocks=reply.blocks or None, response_type="ephemeral")


def answer(services: Services, command: str, package_name: str, body: dict[str, Any]) -> Reply:
    """Find the subcommand and let it answer. Raises `Refused` and the like for the boundary."""
    user_id = str(body["user_id"])
    word, rest = split_words(str(body.get("text") or ""))
    if word in ("", "help"):
        return Reply(write_help(command, package_name))
    subcommand = choose(command, package_name, word)
    request = Request(
        services=services,
        person=services.directory.person(user_id),
        user_id=user_id,
        channel_id=str(body.get("channel_id") or ""),
        channel_name=str(body.get("channel_name") or ""),
        text=rest,
        trigger_id=str(body.get("trigger_id") or ""),
    )
    return subcommand.handle(request)
