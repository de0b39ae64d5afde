"""Buttons of a playbook: start, done, try again, leave out, go on, stop."""

from __future__ import annotations

from typing import Any

from handlers.buttons.press import Button
from handlers.commands.dr import playbook
from handlers.request import Reply, Request


def start(request: Request, value: dict[str, Any]) -> Reply:
    return playbook.start(request, str(value["key"]), None)


def confirm(request: Request, value: dict[str, Any]) -> Reply:
    number, index = int(value["playbook"]), int(value["step"])
    request.services.playbooks.steering.confirm(number, index, request.person)
    return Reply(f":white_check_mark: Step {index + 1} is done, as you say; the playbook goes on.")


def retry(request: Request, value: dict[str, Any]) -> Reply:
    number, index = int(value["playbook"]), int(value["step"])
    request.services.playbooks.steering.retry(number, index, request.person)
    return Reply(f":arrows_counterclockwise: Step {index + 1} is tried again.")


def skip(request: Request, value: dict[str, Any]) -> Reply:
    number, index = int(value["playbook"]), int(value["step"])
    plan = request.services.playbooks.steering.skip(number, index, request.person)
    return Reply(f":fast_forward: Plan {plan.id} asks to leave step {index + 1} out; it is in the channel.")


def go_on(request: Request, value: dict[str, Any]) -> Reply:
    run = request.services.playbooks.steering.go_on(int(value["playbook"]), request.person)
    return Reply(f":arrow_forward: Playbook run {run.id} goes on.")


def stop(request: Request, value: dict[str, Any]) -> Reply:
    run = request.services.playbooks.steering.stop(int(value["playbook"]), request.person)
    under_way = " once the run under way has ended; `/dr cancel` stops that too" if run.state == "stopping" else ""
    return Reply(f":octagonal_sign: Playbook run {run.id} is {run.state}{under_way}.")


BUTTONS = [
    Button("playbook.start", start),
    Button("playbook.done", confirm),
    Button("playbook.retry", retry),
    Button("playbook.skip", skip),
    Button("playbook.go_on", go_on),
    Button("playbook.stop", stop),
]
