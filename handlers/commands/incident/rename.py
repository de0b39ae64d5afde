"""/incident rename: another title; the channel follows; a form when words are missing."""

from __future__ import annotations

from bot.incidents.details import Wanted
from handlers.commands.subcommand import Subcommand
from handlers.modals import details as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        return modal.open_modal(request, incident)
    request.desk.details.change(incident.id, actor=request.person.key, wanted=Wanted(title=request.text))
    return Reply(f":pencil2: #{incident.id} has another title; the channel follows.")


SUBCOMMAND = Subcommand("rename", "rename TITLE", "gives another title; the channel follows", handle)
