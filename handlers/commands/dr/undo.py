"""/dr undo 12: take a finished run back, after approval."""

from __future__ import annotations

from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    number = read_number(request.text, "the run", "/dr undo 12")
    plan = request.services.runs.undo(number, request.person, request.place)
    return Reply(f":leftwards_arrow_with_hook: Plan {plan.id} takes it back; it appears in the channel.")


SUBCOMMAND = Subcommand(
    "undo", "undo NUMBER", "takes a finished run back, after approval", handle, "roles that may request"
)
