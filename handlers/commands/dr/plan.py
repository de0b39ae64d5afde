"""/dr plan end_queries: what an action would do now, only to be read; /dr plan 7: one plan in full."""

from __future__ import annotations

from bot.outcome import Refused
from bot.slack.blocks.parts import pack
from bot.slack.blocks.plan import show_in_full
from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.modals import action as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    if not request.text[:1].isdigit():
        return modal.ask(request, preview=True)
    plan = request.services.plans.find(read_number(request.text, "the plan", "/dr plan 7"), request.person.key)
    if plan.document is None:
        raise Refused(f"Plan {plan.id} is {plan.state}; there is nothing to show.", plan.reason)
    return Reply(f"Plan {plan.id}: {plan.state}", pack(show_in_full(plan, plan.document)))


SUBCOMMAND = Subcommand(
    "plan",
    "plan ACTION [NAME=VALUE …] | NUMBER",
    "shows what an action would do now, or one plan in full; nothing runs",
    handle,
    "roles that may request",
)
