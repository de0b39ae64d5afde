"""/incident note: a fact for the timeline."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    request.desk.note(incident.id, actor=request.person.key, text=request.text)
    return Reply(f":memo: On the timeline of #{incident.id}.")


SUBCOMMAND = Subcommand("note", "note TEXT", "adds a fact to the timeline", handle)
