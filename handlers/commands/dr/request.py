"""/dr request end_queries: ask for any recovery action; its plan and approval follow."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.modals import action as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    return modal.ask(request, preview=False)


SUBCOMMAND = Subcommand(
    "request",
    "request ACTION [NAME=VALUE …]",
    "asks for a recovery action: a plan, to be approved where the policy says so",
    handle,
    "roles that may request",
)
