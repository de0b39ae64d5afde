"""/incident role: take a role of this incident."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    role = request.text.lower().replace(" ", "_")
    request.desk.assign(incident.id, actor=request.person.key, role=role, person=request.person.key)
    settings = request.services.policy.roles[role]
    return Reply(f":bust_in_silhouette: You are *{settings.title}* of #{incident.id}. {settings.channel_intro}")


SUBCOMMAND = Subcommand("role", "role ROLE", "takes a role, such as `dr_coordinator`", handle)
