"""Buttons of a run: cancel, try again, go on without a step, undo."""

from __future__ import annotations

from typing import Any

from handlers.buttons.press import Button
from handlers.request import Reply, Request


def cancel(request: Request, value: dict[str, Any]) -> Reply:
    run = request.services.runs.cancel(int(value["run"]), request.person)
    return Reply(f":octagonal_sign: Run {run.id} is being cancelled; it says so when what is under way has stopped.")


def retry(request: Request, value: dict[str, Any]) -> Reply:
    run = request.services.runs.retry(int(value["run"]), request.person)
    return Reply(f":arrows_counterclockwise: Run {run.id} goes on; it looks at the world first.")


def skip(request: Request, value: dict[str, Any]) -> Reply:
    plan = request.services.runs.skip(int(value["run"]), str(value["step"]), request.person, request.place)
    return Reply(f":fast_forward: Plan {plan.id} says what is left out; the run goes on once it is approved.")


def undo(request: Request, value: dict[str, Any]) -> Reply:
    plan = request.services.runs.undo(int(value["run"]), request.person, request.place)
    return Reply(f":leftwards_arrow_with_hook: Plan {plan.id} takes it back; it appears in the channel.")


BUTTONS = [
    Button("run.cancel", cancel),
    Button("run.retry", retry),
    Button("run.skip", skip),
    Button("run.undo", undo),
]
