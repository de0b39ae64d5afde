"""Buttons of a diagnosis: look again, and open the plan that a finding suggests."""

from __future__ import annotations

from typing import Any

from handlers.buttons.press import Button
from handlers.commands.dr.diagnose import start
from handlers.modals import restore
from handlers.request import Reply, Request


def look_again(request: Request, value: dict[str, Any]) -> Reply:
    return start(request, str(value["scope"]))


def open_action(request: Request, value: dict[str, Any]) -> Reply:
    """Restoring asks which backup first; any other action is planned as suggested."""
    if value["action"] == "restore_database":
        return restore.open_modal(request, value["parameters"].get("database"))
    plan = request.services.plans.request(
        person=request.person,
        action=str(value["action"]),
        parameters=value["parameters"],
        place=request.place,
        incident_id=value.get("incident"),
    )
    return Reply(f"Plan {plan.id} is being made; it appears in the channel.")


def show_evidence(request: Request, value: dict[str, Any]) -> Reply:
    request.services.sweeps.show_evidence(int(value["sweep"]), str(value["finding"]), request.person)
    return Reply("The evidence comes as a file into the channel of the diagnosis.")


BUTTONS = [
    Button("sweep.again", look_again),
    Button("sweep.evidence", show_evidence),
    Button("action.open", open_action),
]
