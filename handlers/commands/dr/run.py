"""/dr run 12: one run with its steps and its proof."""

from __future__ import annotations

from bot.clock import utc_now
from bot.slack.blocks.parts import pack
from bot.slack.blocks.run import show_run
from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    runs = request.services.runs
    run = runs.find(read_number(request.text, "the run", "/dr run 12"), request.person.key)
    blocks = pack(show_run(run, runs.list_steps(run.id), f"Run {run.id}: {run.action}", [], utc_now()))
    return Reply(f"Run {run.id}: {run.state}", blocks)


SUBCOMMAND = Subcommand("run", "run NUMBER", "shows one run", handle)
