"""/incident list: what is open; `all` shows the recent ones too."""

from __future__ import annotations

from bot.comms.messages.subject import name_person
from bot.slack.blocks.incident import show_list
from bot.slack.blocks.parts import pack
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incidents = request.reading.list_recent() if request.text == "all" else request.reading.list_open()
    blocks = pack(show_list(incidents, lambda key: name_person(request.services.policy, key)))
    return Reply(f"{len(incidents)} incident{'s' if len(incidents) != 1 else ''}", blocks)


SUBCOMMAND = Subcommand("list", "list [all]", "shows the open incidents, or all recent ones", handle)
