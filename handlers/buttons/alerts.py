"""Buttons of the card of a group of alerts: declare, attach, mute, unmute."""

from __future__ import annotations

from typing import Any

from bot.outcome import Refused
from bot.slack.client import call
from bot.slack.views.alerts import attach_form, declare_form, mute_form
from handlers.buttons.press import Button
from handlers.request import Reply, Request


def open_declare(request: Request, value: dict[str, Any]) -> Reply:
    desk = request.services.alerts
    group = desk.find(int(value["group"]))
    view = declare_form(request.services.policy, group, desk.rule_of(group), desk.components_of(group.id))
    return _open(request, view)


def open_attach(request: Request, value: dict[str, Any]) -> Reply:
    desk = request.services.alerts
    group, incidents = desk.find(int(value["group"])), desk.list_open_incidents(request.person.key)
    if not incidents:
        raise Refused("No incident is open.", "Press *Declare…* to open one.")
    return _open(request, attach_form(group, incidents))


def open_mute(request: Request, value: dict[str, Any]) -> Reply:
    return _open(request, mute_form(request.services.alerts.find(int(value["group"]))))


def unmute(request: Request, value: dict[str, Any]) -> Reply:
    request.services.alerts.unmute(int(value["group"]), request.person)
    return Reply()


def _open(request: Request, view: dict[str, Any]) -> Reply:
    call(request.services.slack.views_open, trigger_id=request.trigger_id, view=view)
    return Reply()


BUTTONS = [
    Button("alerts.declare", open_declare),
    Button("alerts.attach", open_attach),
    Button("alerts.mute", open_mute),
    Button("alerts.unmute", unmute),
]
