"""/incident status: shows it, or changes it."""

from __future__ import annotations

from bot.incidents.desk import STATUSES
from bot.slack.text import literal, show_time
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        since = show_time(incident.declared_at)
        return Reply(f"*#{incident.id}* {literal(incident.title)}: *{incident.status}*, declared {since}.")
    changed = request.desk.set_status(incident.id, actor=request.person.key, status=request.text.lower())
    return Reply(f":arrows_counterclockwise: #{changed.id} is *{changed.status}* now.")


SUBCOMMAND = Subcommand("status", f"status [{'|'.join(STATUSES)}]", "shows or changes the status", handle)
