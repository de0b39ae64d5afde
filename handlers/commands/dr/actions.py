"""/dr actions: what can be recovered, and what each takes."""

from __future__ import annotations

from bot.recovery.registry import all_actions
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    lines = []
    for action in all_actions().values():
        quorum = request.services.policy.approvals[action.risk].quorum
        needs = f"{quorum} approvals" if quorum else "no approval"
        takes = ", ".join(action.parameters.model_fields)
        lines.append(f"*{action.name}*  {action.purpose}\n{action.risk}, {needs}; takes {takes}")
    return Reply("\n\n".join(lines))


SUBCOMMAND = Subcommand("actions", "actions", "lists the recovery actions", handle)
