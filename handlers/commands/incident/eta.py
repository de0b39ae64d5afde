"""/incident eta: when it should be over; a form when words are missing."""

from __future__ import annotations

from bot.incidents.details import Wanted
from handlers.commands.subcommand import Subcommand
from handlers.modals import details as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        return modal.open_modal(request, incident)
    request.desk.details.change(incident.id, actor=request.person.key, wanted=Wanted(estimated_recovery=request.text))
    return Reply(f":pencil2: Estimated recovery of #{incident.id} noted; the summary shows it.")


SUBCOMMAND = Subcommand("eta", "eta TEXT", "says when it should be over", handle)
