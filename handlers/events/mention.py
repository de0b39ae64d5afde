"""@holdfast …: the commands where slash commands do not work, such as in threads."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.clock import utc_now
from bot.services import Services
from bot.slack.blocks import parts
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.store.tables import SlackEvent
from handlers.boundary import guard
from handlers.commands.listener import COMMANDS, answer
from handlers.commands.subcommand import find_subcommands, split_first, write_help
from handlers.events.event import Event, Happening
from handlers.request import FormNeeded, Reply

ADDRESSED = re.compile(r"\s*<@[UW][A-Z0-9]+(?:\|[^>]*)?>[\s:,]*")
REMEMBERED = timedelta(days=1)
WORDS_LIMIT = 900
"""Of what a button keeps for its form: in JSON a quote or line break is two characters, and Slack takes 2,000."""
POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="mention")


def mentioned(happening: Happening) -> None:
    """Answer somebody who speaks to us; who only speaks of us is left alone."""
    event = happening.event
    spoken = ADDRESSED.match(str(event.get("text") or ""))
    if spoken is None or event.get("edited") or not event.get("user"):
        return
    if _is_new(happening):
        POOL.submit(_answer, happening.services, event, str(event["text"])[spoken.end() :])


def read_command(text: str) -> tuple[str, str]:
    """The command and what follows it: `incident update …`, `/dr runs`, or just `update …`."""
    word, rest = split_first(text)
    named = f"/{word.lower().removeprefix('/')}"
    if named in COMMANDS:
        return named, rest
    for command, package in COMMANDS.items():
        if word.lower() in find_subcommands(package):
            return command, text
    return next(iter(COMMANDS)), text


def _is_new(happening: Happening) -> bool:
    """Whether this event is told for the first time; done once, like a command that is typed once."""
    now = utc_now()
    with happening.services.database.write() as session:
        if session.get(SlackEvent, happening.id) is not None:
            return False
        session.execute(sa.delete(SlackEvent).where(SlackEvent.at < now - REMEMBERED))
        session.add(SlackEvent(event_id=happening.id, at=now))
    return True


def _answer(services: Services, event: dict[str, Any], text: str) -> None:
    reply = guard(lambda: _obey(services, event, text))
    if not reply.text:
        return
    try:
        call(
            services.slack.chat_postEphemeral,
            channel=str(event["channel"]),
            user=str(event["user"]),
            text=reply.text,
            blocks=reply.blocks or None,
            thread_ts=event.get("thread_ts"),
        )
    except (SlackRefusal, SlackUnavailable):  # the person sees no answer, and asks again
        return


def _obey(services: Services, event: dict[str, Any], text: str) -> Reply:
    if split_first(text)[0].lower() in ("", "help"):
        return Reply("\n".join(write_help(command, package) for command, package in COMMANDS.items()))
    command, words = read_command(text)
    body = {"user_id": event["user"], "channel_id": event["channel"], "text": words}
    try:
        return answer(services, command, COMMANDS[command], body)
    except FormNeeded:
        return _offer_form(command, words)


def _offer_form(command: str, words: str) -> Reply:
    """Slack opens a form only for a press."""
    said = ":memo: That needs a form."
    button = parts.button("Open the form", "mention.form", {"command": command, "text": words[:WORDS_LIMIT]}, "primary")
    return Reply(said, parts.pack([parts.marked(said), parts.actions([button])]))


EVENTS = [Event("app_mention", mentioned)]
