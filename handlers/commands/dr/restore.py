"""/dr restore: choose a backup; the plan and its approval follow."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.modals import restore as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    return modal.open_modal(request, request.text or None)


SUBCOMMAND = Subcommand(
    "restore",
    "restore [DATABASE]",
    "brings a database back from a backup, after approval",
    handle,
    "roles that may request",
)
