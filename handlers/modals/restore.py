"""The form that chooses a backup; submitting it asks for a plan."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from bot.outcome import Failed, Refused
from bot.recovery.backups import describe_backups, settings_of
from bot.recovery.registry import default_database
from bot.slack.client import call
from bot.slack.text import literal
from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.recovery import RESTORE, restore_failed, restore_form, restore_loading
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, database: str | None) -> Reply:
    """Open at once, look for backups then: Slack's trigger would not live that long."""
    services = request.services
    database = database or default_database(services.policy)
    if not services.policy.may_request(request.person):
        raise Refused(f"{request.person.name} may not ask for recovery plans.", "Ask somebody of the recovery team.")
    settings_of(services.world, database)
    loading = restore_loading(database)
    opened = request.open_view(loading)
    call(services.slack.views_update, view_id=opened["id"], view=_filled(request, database))
    return Reply()


def _filled(request: Request, database: str) -> dict[str, Any]:
    try:
        backups, notes = describe_backups(request.services.world, database)
    except (Refused, Failed) as error:
        return restore_failed(f":x: {literal(error.words)}")
    incident = request.incident
    metadata: dict[str, JsonValue] = {
        "database": database,
        "place": request.place,
        "incident": incident.id if incident else None,
    }
    return restore_form(database, backups, notes, metadata)


def submit(submission: Submission) -> dict[str, Any] | None:
    known = read_metadata(submission.view)
    submission.services.plans.request(
        person=submission.person,
        action="restore_database",
        parameters={"database": known["database"], "backup": read_values(submission.view)["backup"]},
        place=str(known["place"]),
        incident_id=known["incident"],
    )
    return None


FORM = Form(RESTORE, submit, "backup")
