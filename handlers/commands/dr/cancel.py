"""/dr cancel 12: stop a run."""

from __future__ import annotations

from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    number = read_number(request.text, "the run", "/dr cancel 12")
    request.services.runs.cancel(number, request.person)
    return Reply(f":octagonal_sign: Run {number} is being cancelled; it says so when what is under way has stopped.")


SUBCOMMAND = Subcommand("cancel", "cancel NUMBER", "stops a run", handle, "its requester and approvers")
