"""/dr backup: take a verified backup now."""

from __future__ import annotations

from bot.recovery.backups import settings_of
from bot.recovery.registry import default_database
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident, services = request.incident, request.services
    database = request.text or default_database(services.policy)
    settings_of(services.world, database)
    plan = services.plans.request(
        person=request.person,
        action="back_up_database",
        parameters={"database": database},
        place=request.place,
        incident_id=incident.id if incident else None,
    )
    return Reply(f":floppy_disk: Plan {plan.id} for a {plan.target} is being made; the run appears in the channel.")


SUBCOMMAND = Subcommand(
    "backup", "backup [DATABASE]", "takes a backup and verifies it", handle, "roles that may request"
)
