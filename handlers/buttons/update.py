"""Buttons of a reminder: nothing has changed, put it off."""

from __future__ import annotations

from typing import Any

from bot.slack.text import literal
from handlers.buttons.press import Button
from handlers.modals import snooze
from handlers.request import Reply, Request


def say_no_change(request: Request, value: dict[str, Any]) -> Reply:
    text = request.services.updates.say_no_change(int(value["incident"]), request.person, int(value["reminder"]))
    return Reply(f":mega: It is going out: {literal(text)}")


def open_snooze(request: Request, value: dict[str, Any]) -> Reply:
    return snooze.open_modal(request, request.reading.find(int(value["incident"])))


BUTTONS = [Button("update.no_change", say_no_change), Button("update.snooze", open_snooze)]
