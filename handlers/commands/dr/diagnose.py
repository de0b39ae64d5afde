"""/dr diagnose: ask the real systems."""

from __future__ import annotations

from bot.diagnostics.check import scopes
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    return start(request, request.text.lower() or "all")


def start(request: Request, scope: str) -> Reply:
    incident = request.incident
    request.services.sweeps.start(
        person=request.person, scope=scope, place=request.place, incident_id=incident.id if incident else None
    )
    return Reply(f":stethoscope: Looking at {scope}; the findings appear in the channel.")


SUBCOMMAND = Subcommand("diagnose", f"diagnose [{'|'.join(scopes())}]", "looks at the real systems", handle)
