"""/dr plans: the recent plans and what became of them."""

from __future__ import annotations

from bot.slack.blocks.parts import pack
from bot.slack.blocks.rich import Piece, bold, lines, when
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    plans = request.services.plans.list_recent(viewer=request.person.key)
    rows: list[list[Piece]] = [
        [bold(f"{plan.id}"), f"  {plan.action} on {plan.target}: ", bold(plan.state), ", ", when(plan.created_at)]
        for plan in plans
    ]
    return Reply(f"{len(plans)} plans", pack([lines(rows or [["There has been no plan yet."]])]))


SUBCOMMAND = Subcommand("plans", "plans", "lists the recent plans", handle)
