"""/incident details: the form with everything that is known."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.modals import details as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    return modal.open_modal(request, request.need_incident())


SUBCOMMAND = Subcommand(
    "details", "details", "a form for title, impact, next steps, recovery, components, link", handle
)
