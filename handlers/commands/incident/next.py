"""/incident next: what is done next; a form when words are missing."""

from __future__ import annotations

from bot.incidents.details import Wanted
from handlers.commands.subcommand import Subcommand
from handlers.modals import details as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        return modal.open_modal(request, incident)
    request.desk.details.change(incident.id, actor=request.person.key, wanted=Wanted(next_steps=request.text))
    return Reply(f":pencil2: Next steps of #{incident.id} noted; the summary shows it.")


SUBCOMMAND = Subcommand("next", "next TEXT", "says what is done next", handle)
