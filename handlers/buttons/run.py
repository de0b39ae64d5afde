"""The button of a run: cancel."""

from __future__ import annotations

from typing import Any

from handlers.buttons.press import Button
from handlers.request import Reply, Request


def cancel(request: Request, value: dict[str, Any]) -> Reply:
    run = request.services.runs.cancel(int(value["run"]), request.person)
    return Reply(f":octagonal_sign: Run {run.id} is being cancelled; it says so when what is under way has stopped.")


BUTTONS = [Button("run.cancel", cancel)]
