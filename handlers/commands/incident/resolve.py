"""/incident resolve: it is over; the post-mortem draft follows."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    request.desk.resolve(incident.id, actor=request.person.key, text=request.text)
    return Reply(f":white_check_mark: #{incident.id} is resolved. The post-mortem draft is being written.")


SUBCOMMAND = Subcommand("resolve", "resolve [TEXT]", "ends the incident and drafts the post-mortem", handle)
