"""/incident status: shows it, or changes it; going back needs a reason."""

from __future__ import annotations

from bot.incidents.desk import STATUSES
from bot.slack.text import literal, show_time
from handlers.commands.subcommand import Subcommand, split_first
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        since = show_time(incident.declared_at)
        return Reply(f"*#{incident.id}* {literal(incident.title)}: *{incident.status}*, declared {since}.")
    status, reason = split_first(request.text)
    changed = request.desk.set_status(
        incident.id, actor=request.person.key, status=status.lower().rstrip(":,"), reason=reason
    )
    return Reply(f":arrows_counterclockwise: #{changed.id} is *{changed.status}* now.")


SUBCOMMAND = Subcommand("status", f"status [{'|'.join(STATUSES)}]", "shows or changes the status", handle)
