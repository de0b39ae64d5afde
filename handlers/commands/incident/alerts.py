"""/incident alerts: what monitoring says now; `all` shows the recent groups too."""

from __future__ import annotations

from bot.slack.blocks.alert import show_groups
from bot.slack.blocks.parts import pack
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    desk = request.services.alerts
    rows = desk.describe_groups(request.person.key, everything=request.text.strip() == "all")
    shown = [(row.group, row.counts, row.became) for row in rows]
    return Reply(f"{len(rows)} groups of alerts", pack(show_groups(shown, desk.clock())))


SUBCOMMAND = Subcommand("alerts", "alerts [all]", "shows the alerts that fire, or all recent ones", handle)
