"""Buttons of charts: draw this one."""

from __future__ import annotations

from typing import Any

from handlers.buttons.press import Button
from handlers.commands.dr.chart import ask
from handlers.request import Reply, Request


def draw(request: Request, value: dict[str, Any]) -> Reply:
    return ask(request, str(value["metric"]), str(value["span"]))


BUTTONS = [Button("chart.draw", draw)]
