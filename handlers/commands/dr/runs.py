"""/dr runs: the recent runs."""

from __future__ import annotations

from bot.slack.text import literal, show_time
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    runs = request.services.runs.list_recent(viewer=request.person.key)
    lines = [
        f"*{run.id}*  {run.action} on {literal(run.target)}: *{run.state}*, {show_time(run.created_at)}" for run in runs
    ]
    return Reply("\n".join(lines) or "There has been no run yet. `/dr backup` would be a good first one.")


SUBCOMMAND = Subcommand("runs", "runs", "lists the recent runs", handle)
