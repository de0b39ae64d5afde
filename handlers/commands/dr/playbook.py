"""/dr playbook: what can be started, one that runs, or start one."""

from __future__ import annotations

from bot.recovery.registry import default_database
from bot.slack.blocks.parts import pack
from bot.slack.blocks.playbook import show_offer
from bot.slack.text import literal
from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand, split_first
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    word, rest = split_first(request.text)
    if not word:
        return offer(request)
    if word.removeprefix("#").isdigit():
        return find(request, read_number(word, "the playbook run", "/dr playbook 3"))
    return start(request, word, rest or None)


def offer(request: Request) -> Reply:
    """Those for the incident's category first."""
    incident, playbooks = request.incident, request.services.playbooks
    offered = playbooks.offer(incident.category if incident else None)
    if not offered:
        return Reply("The policy has no playbooks.")
    return Reply(f"{len(offered)} playbooks", pack(show_offer(offered, playbooks.list_recent(5, request.person.key))))


def find(request: Request, number: int) -> Reply:
    """How a run stands, in words; its message has the buttons."""
    playbooks = request.services.playbooks
    run = playbooks.find(number, request.person.key)
    words = literal(f"{run.playbook} on {run.database}: {run.state}. {run.words}".strip())
    steps = [
        literal(f"{task.index + 1}. {task.definition.title}: {task.state}. {task.words}".strip())
        for task in playbooks.list_tasks(number)
    ]
    return Reply("\n".join([f"*Playbook run {run.id}*  {words}", *steps]))


def start(request: Request, key: str, database: str | None) -> Reply:
    """Begin it; everything further is in the channel."""
    incident, services = request.incident, request.services
    run = services.playbooks.start(
        person=request.person,
        key=key.lower(),
        database=database or default_database(services.policy),
        place=request.place,
        incident_id=incident.id if incident else None,
    )
    return Reply(f":notebook: Playbook run {run.id} ({run.playbook} on {run.database}) is in the channel.")


SUBCOMMAND = Subcommand(
    "playbook",
    "playbook [NAME [DATABASE]|NUMBER]",
    "lists, shows or starts what is run for a kind of disaster",
    handle,
    "roles that may request",
)
