"""/incident search: incidents by words of their titles, updates and notes."""

from __future__ import annotations

from bot.comms.messages.subject import name_person
from bot.slack.blocks.incident import show_list
from bot.slack.blocks.parts import pack
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    found = request.reading.search(request.text)
    if not found:
        return Reply(":mag: Nothing was found.")
    blocks = pack(show_list(found, lambda key: name_person(request.services.policy, key)))
    return Reply(f"{len(found)} incident{'s' if len(found) != 1 else ''}", blocks)


SUBCOMMAND = Subcommand("search", "search WORDS", "finds incidents, old ones too", handle)
