"""/dr verify: does the application work as users know it?"""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request

SCOPE = "verification"


def handle(request: Request) -> Reply:
    incident = request.incident
    request.services.sweeps.start(
        person=request.person, scope=SCOPE, place=request.place, incident_id=incident.id if incident else None
    )
    return Reply(":mag: Going through it as a user would; the findings appear in the channel.")


SUBCOMMAND = Subcommand("verify", "verify", "goes through the application as a user would", handle)
