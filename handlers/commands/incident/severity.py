"""/incident severity: up and down, with a reason; a form when words are missing."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand, split_first
from handlers.modals import severity as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    severity, reason = split_first(request.text)
    if not reason:
        return modal.open_modal(request, incident, severity)
    changed = request.desk.severities.change(incident.id, actor=request.person.key, severity=severity, reason=reason)
    return Reply(f":chart_with_upwards_trend: #{changed.id} is *{changed.severity}* now; who must know is being told.")


SUBCOMMAND = Subcommand("severity", "severity P2 REASON", "changes the severity", handle)
