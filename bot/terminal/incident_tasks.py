"""`holdfast incident task …`: what is to be done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from bot.clock import utc_now
from bot.incidents.due import EXAMPLES, read_due
from bot.outcome import Refused
from bot.store.tables import Task
from bot.terminal.chosen import WORK_LIMIT_S, find_meant, number_option
from bot.terminal.incident import incident
from bot.terminal.incident_life import find_person
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session

due_option = click.option("--due", help=f"When it is due, in the policy's time zone: {EXAMPLES}.")


@incident.group()
def task() -> None:
    """What is to be done for an incident."""


@task.command()
@click.argument("title", nargs=-1, required=True)
@click.option("--owner", help="Who does it.")
@due_option
@number_option
@json_option
@pass_session
@guarded
def add(
    session: TerminalSession, title: tuple[str, ...], owner: str | None, due: str | None, number: int | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Add a task."""
    meant = find_meant(session, number)
    whom = find_person(session, owner).key if owner else None
    added = session.services.desk.tasks.add(
        meant.id, actor=session.person.key, title=" ".join(title), owner=whom, due_at=_read(session, due)
    )
    _answer(session, added, as_json)


@task.command(name="list")
@number_option
@json_option
@pass_session
@guarded
def list_tasks(session: TerminalSession, number: int | None, as_json: bool) -> None:
    """Show them, the open ones first."""
    tasks = session.services.desk.tasks.list_of(find_meant(session, number).id)
    words = "\n".join(_write(one) for one in tasks)
    answer(as_json, {"tasks": [_describe(one) for one in tasks]}, words or "There is no task.")


@task.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def done(session: TerminalSession, number: int, as_json: bool) -> None:
    """It is done."""
    _answer(session, session.services.desk.tasks.finish(number, actor=session.person.key), as_json)


@task.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def drop(session: TerminalSession, number: int, as_json: bool) -> None:
    """It need not be done."""
    _answer(session, session.services.desk.tasks.drop(number, actor=session.person.key), as_json)


@task.command()
@click.argument("number", type=NUMBER)
@click.argument("person", required=False)
@json_option
@pass_session
@guarded
def assign(session: TerminalSession, number: int, person: str | None, as_json: bool) -> None:
    """Take it, or give it to PERSON."""
    owner = find_person(session, person) if person else session.person
    _answer(session, session.services.desk.tasks.assign(number, actor=session.person.key, owner=owner.key), as_json)


@task.command()
@click.argument("number", type=NUMBER)
@click.argument("when", nargs=-1, required=True)
@json_option
@pass_session
@guarded
def due(session: TerminalSession, number: int, when: tuple[str, ...], as_json: bool) -> None:
    """Say when it is due: by 14:30, in 2h, by friday."""
    due_at = _read(session, " ".join(when))
    assert due_at is not None
    _answer(session, session.services.desk.tasks.set_due(number, actor=session.person.key, due_at=due_at), as_json)


def _read(session: TerminalSession, due: str | None) -> datetime | None:
    """In UTC. Raises `Refused` for what is no time."""
    if due is None:
        return None
    found = read_due(due, utc_now(), session.services.policy.zone)
    if found is None:
        raise Refused(f"{due[:60]!r} is no time.", f"Examples: {EXAMPLES}.")
    return found


def _answer(session: TerminalSession, task: Task, as_json: bool) -> None:
    answer(as_json, _describe(task), _write(task))
    session.settle(lambda: True, WORK_LIMIT_S)


def _write(task: Task) -> str:
    state = "dropped" if task.dropped else "done" if task.done_at else "open"
    due = f", due {task.due_at:%Y-%m-%d %H:%M} UTC" if task.due_at else ""
    return f"{task.id} {state}: {task.title} ({task.owner or 'nobody'}{due})"


def _describe(task: Task) -> dict[str, Any]:
    return {
        "task": task.id, "incident": task.incident_id, "title": task.title, "owner": task.owner,
        "due_at": task.due_at, "done_at": task.done_at, "dropped": task.dropped,
    }  # fmt: skip
