"""/dr retry 12: let a run that stopped go on."""

from __future__ import annotations

from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    number = read_number(request.text, "the run", "/dr retry 12")
    request.services.runs.retry(number, request.person)
    return Reply(f":arrows_counterclockwise: Run {number} goes on; it looks at the world first.")


SUBCOMMAND = Subcommand("retry", "retry NUMBER", "lets a run that stopped go on", handle, "its requester and approvers")
