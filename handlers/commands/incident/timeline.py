"""/incident timeline: what has happened."""

from __future__ import annotations

from bot.comms.messages.subject import name_person
from bot.slack.blocks.incident import show_timeline
from bot.slack.blocks.parts import pack
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    entries = request.reading.timeline(incident.id)
    blocks = pack(show_timeline(incident, entries, lambda key: name_person(request.services.policy, key)))
    return Reply(f"Timeline of #{incident.id}: {len(entries)} entries", blocks)


SUBCOMMAND = Subcommand("timeline", "timeline", "shows what has happened", handle)
