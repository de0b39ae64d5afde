"""Buttons of a draft for the public: look at it and publish it, or do not publish it."""

from __future__ import annotations

from typing import Any

from handlers.buttons.press import Button
from handlers.modals import publish
from handlers.request import Reply, Request


def preview(request: Request, value: dict[str, Any]) -> Reply:
    return publish.open_modal(request, request.services.bulletins.find_waiting(int(value["bulletin"])))


def discard(request: Request, value: dict[str, Any]) -> Reply:
    bulletin = request.services.bulletins.discard(int(value["bulletin"]), person=request.person)
    return Reply(f":wastebasket: This draft about #{bulletin.incident_id} is not published.")


BUTTONS = [Button("bulletin.preview", preview), Button("bulletin.discard", discard)]
