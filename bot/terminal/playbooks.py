"""`holdfast dr playbook …`: what is run for a kind of disaster, as in Slack."""

from __future__ import annotations

from typing import Any

import click

from bot.comms.notices import incident_room, slack_channel
from bot.recovery.registry import default_database
from bot.services import Services
from bot.store.tables import PlaybookRun
from bot.terminal.chosen import reading_of
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session

LIMIT_S = 8 * 3600.0
STEP = click.IntRange(1, 1000)


@click.group()
def playbook() -> None:
    """Run what the policy has for a kind of disaster."""


@playbook.command("list")
@json_option
@pass_session
@guarded
def list_playbooks(session: TerminalSession, as_json: bool) -> None:
    """List the playbooks, those for the open incident first, and the recent runs."""
    playbooks = session.services.playbooks
    _, _, category = _place(session)
    offered, recent = playbooks.offer(category), playbooks.list_recent(viewer=session.viewer)
    facts = {
        "playbooks": [{"key": key, **one.model_dump(mode="json")} for key, one in offered],
        "runs": [_describe(session.services, run) for run in recent],
    }
    words = [f"{key}: {one.title}, {len(one.steps)} steps" for key, one in offered]
    words += [f"run {run.id}: {run.playbook} on {run.database}, {run.state}" for run in recent]
    answer(as_json, facts, "\n".join(words) or "The policy has no playbooks.")


@playbook.command()
@click.argument("key")
@click.argument("database", required=False)
@json_option
@pass_session
@guarded
def start(session: TerminalSession, key: str, database: str | None, as_json: bool) -> None:
    """Start a playbook, and wait until somebody must decide or it is over."""
    services = session.services
    place, incident_id, _ = _place(session)
    run = services.playbooks.start(
        person=session.person, key=key, database=database or default_database(services.policy),
        place=place, incident_id=incident_id,
    )  # fmt: skip
    _follow(session, run.id, as_json)


@playbook.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def show(session: TerminalSession, number: int, as_json: bool) -> None:
    """Show a run with its steps."""
    _answer(session.services, session.services.playbooks.find(number, session.viewer), as_json)


@playbook.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def stop(session: TerminalSession, number: int, as_json: bool) -> None:
    """Begin nothing more; a run that is under way ends by itself."""
    session.services.playbooks.steering.stop(number, session.person)
    _follow(session, number, as_json)


@playbook.command("go-on")
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def go_on(session: TerminalSession, number: int, as_json: bool) -> None:
    """Accept that not everything is as it should be, and go on."""
    session.services.playbooks.steering.go_on(number, session.person)
    _follow(session, number, as_json)


@playbook.command()
@click.argument("number", type=NUMBER)
@click.argument("step", type=STEP)
@json_option
@pass_session
@guarded
def done(session: TerminalSession, number: int, step: int, as_json: bool) -> None:
    """Say that you have done the step that is a person's to do."""
    session.services.playbooks.steering.confirm(number, step - 1, session.person)
    _follow(session, number, as_json)


@playbook.command()
@click.argument("number", type=NUMBER)
@click.argument("step", type=STEP)
@json_option
@pass_session
@guarded
def retry(session: TerminalSession, number: int, step: int, as_json: bool) -> None:
    """Try a failed step again."""
    session.services.playbooks.steering.retry(number, step - 1, session.person)
    _follow(session, number, as_json)


@playbook.command()
@click.argument("number", type=NUMBER)
@click.argument("step", type=STEP)
@json_option
@pass_session
@guarded
def skip(session: TerminalSession, number: int, step: int, as_json: bool) -> None:
    """Ask to leave a step out; others approve the plan."""
    plan = session.services.playbooks.steering.skip(number, step - 1, session.person)
    session.settle(lambda: True, LIMIT_S)
    answer(as_json, {"plan": plan.id, "state": plan.state}, f"Plan {plan.id} asks to leave step {step} out.")


def _place(session: TerminalSession) -> tuple[str, int | None, str | None]:
    """Where it is shown in Slack, and what for: the only open incident's room, else the incidents channel."""
    still_open = reading_of(session).list_open()
    if len(still_open) == 1:
        return incident_room(still_open[0].id), still_open[0].id, still_open[0].category
    return slack_channel(session.services.policy.slack.incidents_channel), None, None


def _follow(session: TerminalSession, number: int, as_json: bool) -> None:
    """Until it is over, or waits for somebody."""
    services = session.services
    session.settle(lambda: waits_for_somebody(services, number), LIMIT_S)
    _answer(services, services.playbooks.find(number), as_json)


def waits_for_somebody(services: Services, number: int) -> bool:
    """Whether a playbook run is over, or cannot go on without a person: an approval, a decision, a step to do."""
    playbooks = services.playbooks
    run = playbooks.find(number)
    if run.state in ("pending", "paused", "done", "stopped", "refused"):
        return True
    asked = next((task for task in playbooks.list_tasks(number) if task.state == "asked"), None)
    if asked is None or run.state not in ("running", "stopping"):
        return False
    return asked.plan_id is None or services.plans.find(asked.plan_id).state == "pending"


def _answer(services: Services, run: PlaybookRun, as_json: bool) -> None:
    lines = [f"Playbook run {run.id}, {run.playbook} on {run.database}: {run.state}. {run.words}".strip()]
    if run.state == "pending":
        lines.append(f"holdfast dr approve {run.plan_id} approves all of it.")
    for task in services.playbooks.list_tasks(run.id):
        lines.append(f"  {task.index + 1}. {task.state:8} {task.definition.title} {task.words}".rstrip())
        if task.state == "asked":
            lines.append(f"     {task.definition.manual or f'plan {task.plan_id}'}")
    answer(as_json, _describe(services, run), "\n".join(lines))


def _describe(services: Services, run: PlaybookRun) -> dict[str, Any]:
    return {
        "playbook_run": run.id, "playbook": run.playbook, "database": run.database, "state": run.state,
        "words": run.words, "plan": run.plan_id, "incident": run.incident_id,
        "steps": [
            {
                "step": task.index + 1, "title": task.definition.title, "state": task.state, "words": task.words,
                "plan": task.plan_id, "spent_s": task.spent,
            }
            for task in services.playbooks.list_tasks(run.id)
        ],
    }  # fmt: skip
