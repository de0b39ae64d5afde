"""/incident reopen: it was not over; number and channel stay."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    request.desk.reopen(incident.id, actor=request.person.key, reason=request.text)
    return Reply(f":rotating_light: #{incident.id} is open again.")


SUBCOMMAND = Subcommand("reopen", "reopen REASON", "goes on with a resolved incident", handle)
