"""/incident tasks: what is to be done, with buttons."""

from __future__ import annotations

from bot.comms.messages.subject import name_person
from bot.slack.blocks.parts import pack
from bot.slack.blocks.tasks import show_tasks
from bot.store.tables import Incident
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    return list_tasks(request, request.need_incident())


def list_tasks(request: Request, incident: Incident) -> Reply:
    tasks = request.desk.tasks.list_of(incident.id)
    shown = show_tasks(incident, tasks, lambda key: name_person(request.services.policy, key))
    return Reply(f"Tasks of #{incident.id}: {len(tasks)}", pack(shown))


SUBCOMMAND = Subcommand("tasks", "tasks", "lists what is to be done", handle)
