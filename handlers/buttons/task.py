"""Buttons of a task: done, take, drop; the list as it is then is the answer."""

from __future__ import annotations

from typing import Any

from bot.store.tables import Task
from handlers.buttons.press import Button
from handlers.commands.incident.tasks import list_tasks
from handlers.request import Reply, Request


def finish(request: Request, value: dict[str, Any]) -> Reply:
    return _answer(request, request.desk.tasks.finish(int(value["task"]), actor=request.person.key))


def take(request: Request, value: dict[str, Any]) -> Reply:
    owner = request.person.key
    return _answer(request, request.desk.tasks.assign(int(value["task"]), actor=owner, owner=owner))


def drop(request: Request, value: dict[str, Any]) -> Reply:
    return _answer(request, request.desk.tasks.drop(int(value["task"]), actor=request.person.key))


def _answer(request: Request, task: Task) -> Reply:
    return list_tasks(request, request.reading.find(task.incident_id))


BUTTONS = [Button("task.done", finish), Button("task.take", take), Button("task.drop", drop)]
