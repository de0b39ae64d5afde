"""/incident oncall: who is on call for each role, and how that is known."""

from __future__ import annotations

from bot.incidents.on_call import Duty
from bot.policy import Policy
from bot.slack.text import literal, strong
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    services = request.services
    return Reply("\n".join(_show(duty, services.policy) for duty in services.on_call.list_all()))


def _show(duty: Duty, policy: Policy) -> str:
    who = literal(duty.person.name) if duty.person else "nobody"
    trouble = f"\n:warning: {literal(duty.trouble)}" if duty.trouble else ""
    return f"{strong(policy.roles[duty.role].title)}: {who} _({duty.source})_{trouble}"


SUBCOMMAND = Subcommand("oncall", "oncall", "says who is on call for each role", handle)
