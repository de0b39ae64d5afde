"""/incident deliveries: whom everything that was said has reached, and what waits."""

from __future__ import annotations

from bot.slack.blocks.deliveries import show_deliveries
from bot.slack.blocks.incident import title_of
from bot.slack.blocks.parts import pack
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    told = request.services.deliveries.of_incident(incident.id)
    blocks = pack(show_deliveries(title_of(incident), told, request.services.deliveries.lacking))
    return Reply(f"Deliveries of #{incident.id}: {len(told)}", blocks)


SUBCOMMAND = Subcommand("deliveries", "deliveries", "shows whom everything that was said has reached", handle)
