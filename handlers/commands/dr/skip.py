"""/dr skip 12 prepare: go on without the step that a run stopped at, after approval."""

from __future__ import annotations

from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand, split_first
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    first, step = split_first(request.text)
    number = read_number(first, "the run", "/dr skip 12 prepare")
    plan = request.services.runs.skip(number, step.strip(), request.person, request.place)
    return Reply(f":fast_forward: Plan {plan.id} says what is left out; the run goes on once it is approved.")


SUBCOMMAND = Subcommand(
    "skip",
    "skip NUMBER STEP",
    "lets a run go on without the step that it stopped at, after approval",
    handle,
    "roles that may request",
)
