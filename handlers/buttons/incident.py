"""Buttons of an incident: declare, again, update, details, severity, diagnose, restore, resolve, on the web."""

from __future__ import annotations

from typing import Any

from bot.slack.views.incident import Prefill
from bot.store.tables import Incident
from handlers.buttons.press import Button
from handlers.commands.dr.diagnose import start
from handlers.commands.incident.declare import declared
from handlers.commands.incident.web import give_link
from handlers.modals import declare, details, restore, severity, update
from handlers.request import Reply, Request


def open_declare(request: Request, _value: dict[str, Any]) -> Reply:
    return declare.open_modal(request, Prefill())


def declare_again(request: Request, value: dict[str, Any]) -> Reply:
    """A second identical incident is meant; not a third, when the button is pressed once more."""
    incident = request.desk.declare(
        actor=request.person.key, severity=str(value["severity"]), title=str(value["title"]),
        private=value.get("private"), beside=int(value["beside"]),
    )  # fmt: skip
    return declared(incident)


def open_update(request: Request, value: dict[str, Any]) -> Reply:
    return update.open_modal(request, _find(request, value))


def open_details(request: Request, value: dict[str, Any]) -> Reply:
    return details.open_modal(request, _find(request, value))


def open_severity(request: Request, value: dict[str, Any]) -> Reply:
    return severity.open_modal(request, _find(request, value), "")


def diagnose(request: Request, _value: dict[str, Any]) -> Reply:
    return start(request, "all")


def open_restore(request: Request, _value: dict[str, Any]) -> Reply:
    return restore.open_modal(request, None)


def resolve(request: Request, value: dict[str, Any]) -> Reply:
    incident = request.desk.resolve(int(value["incident"]), actor=request.person.key)
    return Reply(f":white_check_mark: #{incident.id} is resolved. The post-mortem draft is being written.")


def open_page(request: Request, value: dict[str, Any]) -> Reply:
    return give_link(request, _find(request, value))


def _find(request: Request, value: dict[str, Any]) -> Incident:
    return request.reading.find(int(value["incident"]))


BUTTONS = [
    Button("incident.declare", open_declare),
    Button("incident.again", declare_again),
    Button("incident.update", open_update),
    Button("incident.details", open_details),
    Button("incident.severity", open_severity),
    Button("incident.diagnose", diagnose),
    Button("incident.restore", open_restore),
    Button("incident.resolve", resolve),
    Button("incident.web", open_page),
]
