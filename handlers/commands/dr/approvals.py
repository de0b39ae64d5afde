"""/dr approvals: which plans wait for whom, and whose approval is in other hands."""

from __future__ import annotations

from bot.policy import rule_for
from bot.slack.blocks.parts import pack
from bot.slack.blocks.rich import Piece, bold, lines, when
from bot.store.tables import Handover, Plan
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    services = request.services
    waiting, handovers = services.approvals.list_waiting(request.person.key), services.handovers.list_active()
    rows = [_show_plan(request, plan) for plan in waiting] or [["No plan waits for approval."]]
    rows += [_show_handover(request, one) for one in handovers]
    return Reply(f"{len(waiting)} plans wait for approval", pack([lines(rows)]))


def _show_plan(request: Request, plan: Plan) -> list[Piece]:
    assert plan.document is not None  # waiting plans have one
    policy = request.services.policy
    given, quorum = request.services.approvals.count_given(plan.id), rule_for(policy, plan.document).quorum
    until: list[Piece] = ["  lapses ", when(plan.expires_at)] if plan.expires_at else []
    return [bold(f"{plan.id}"), f"  {plan.document.title} on {plan.target}: {given} of {quorum} approvals", *until]


def _show_handover(request: Request, handover: Handover) -> list[Piece]:
    names = [_name(request, key) for key in (handover.holder, handover.giver)]
    return [bold(names[0]), f" may approve for {names[1]} until ", when(handover.until)]


def _name(request: Request, key: str) -> str:
    person = request.services.policy.person(key)
    return person.name if person else key


SUBCOMMAND = Subcommand("approvals", "approvals", "lists the plans that wait for approval, and handovers", handle)
