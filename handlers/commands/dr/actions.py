"""/dr actions: what can be recovered, how dangerous it is, and what approval it needs."""

from __future__ import annotations

from bot.policy import Scope, rule_for
from bot.recovery.registry import all_actions
from bot.slack.blocks.parts import context, pack
from bot.slack.blocks.rich import Piece, bold, emoji, faint, lines
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request

SIGNS = {"low": "large_green_circle", "high": "large_orange_circle", "destructive": "red_circle"}
HINT = "`/dr request ACTION` asks for one and opens its form; `/dr plan ACTION` only shows what it would do now."


def handle(request: Request) -> Reply:
    rows: list[list[Piece]] = []
    for action in all_actions().values():
        quorum = rule_for(request.services.policy, Scope(action.name, action.risk)).quorum
        needs = f"{quorum} approval{'s' if quorum != 1 else ''}" if quorum else "no approval"
        rows.append(
            [emoji(SIGNS[action.risk]), " ", bold(action.name), f"  {action.purpose}  ",
             faint(f"{action.risk}, {needs}")]
        )  # fmt: skip
    return Reply(f"{len(rows)} recovery actions", pack([lines(rows), context(HINT)]))


SUBCOMMAND = Subcommand("actions", "actions", "lists the recovery actions", handle)
