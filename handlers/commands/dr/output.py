"""/dr output 12: what the programs and servers of a run said, as a file."""

from __future__ import annotations

from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    number = read_number(request.text, "the run", "/dr output 12")
    request.services.runs.post_output(number, request.place, request.person.key)
    return Reply(f":page_facing_up: The output of run {number} comes as a file.")


SUBCOMMAND = Subcommand("output", "output NUMBER", "posts what the programs of a run said, as a file", handle)
