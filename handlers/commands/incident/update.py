"""/incident update: how things stand, for everybody; a form when words are missing."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.modals import update as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        return modal.open_modal(request, incident)
    request.desk.update(incident.id, actor=request.person.key, text=request.text)
    return Reply(f":mega: Update of #{incident.id} is going out.")


SUBCOMMAND = Subcommand("update", "update TEXT", "says how things stand; without words, a form", handle)
