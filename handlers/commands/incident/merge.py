"""/incident merge: this one is the same as another."""

from __future__ import annotations

from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.modals import merge as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    into = read_number(request.text, "the other incident", "/incident merge 12")
    return modal.open_modal(request, incident, into)


SUBCOMMAND = Subcommand("merge", "merge 12", "this one is the same as #12", handle)
