"""`holdfast dr …`: diagnose, back up, restore, approve; under the same policy as in Slack."""

from __future__ import annotations

from typing import Any

import click
from pydantic import JsonValue

from bot.comms.notices import incident_room, slack_channel
from bot.outcome import Failed, Refused
from bot.recovery.backups import describe_backups, find_backups
from bot.recovery.registry import default_database
from bot.services import Services
from bot.store.documents import Finding, Verdict
from bot.store.tables import Plan, Run
from bot.terminal.chosen import reading_of
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session
from bot.words import show_duration

SWEEP_LIMIT_S, PLAN_LIMIT_S = 400.0, 300.0
RUN_LIMIT_S = 8 * 3600.0
WORST_FIRST = ("critical", "warning", "unknown", "ok")
FINISHED = ("done", "needless", "failed", "refused", "cancelled")


@click.group()
def dr() -> None:
    """Diagnose and recover."""


@dr.command()
@click.argument("scope", default="all")
@json_option
@pass_session
@guarded
def diagnose(session: TerminalSession, scope: str, as_json: bool) -> None:
    """Look at the real systems."""
    sweep_and_answer(session, scope, as_json)


@dr.command()
@json_option
@pass_session
@guarded
def verify(session: TerminalSession, as_json: bool) -> None:
    """Go through the application as a user would: log in, look, make a test record and take it away."""
    sweep_and_answer(session, "verification", as_json)


def sweep_and_answer(session: TerminalSession, scope: str, as_json: bool) -> None:
    """Ask the checks of a scope and print what they found."""
    services = session.services
    place, incident_id = place_of(session)
    sweep = services.sweeps.start(person=session.person, scope=scope, place=place, incident_id=incident_id)
    session.settle(lambda: services.sweeps.find(sweep.id).finished_at is not None, SWEEP_LIMIT_S)
    done = services.sweeps.find(sweep.id)
    findings = sorted(done.findings, key=lambda one: WORST_FIRST.index(one.state))
    words = "\n".join([*filter(None, [done.story.cause]), *map(_tell_finding, findings)])
    facts = {
        "sweep": sweep.id,
        "story": done.story.model_dump(mode="json"),
        "findings": [one.model_dump(mode="json") for one in findings],
    }
    answer(as_json, facts, words)


def _tell_finding(one: Finding) -> str:
    """What was seen; with what is normal and the evidence, where it is not good."""
    more = [f"Normal: {one.normal}"] if one.normal else []
    more += one.further
    return "\n    ".join([f"{one.state:8} {one.title}: {one.summary}", *(more if one.state != "ok" else [])])


@dr.command()
@click.argument("database", required=False)
@json_option
@pass_session
@guarded
def backups(session: TerminalSession, database: str | None, as_json: bool) -> None:
    """List the verified backups, the newest first."""
    services = session.services
    database = database or default_database(services.policy)
    listing = find_backups(services.world, database)
    facts = {
        "backups": [one.model_dump(mode="json", exclude={"fingerprint"}) for one in listing.backups],
        "unusable": [{"key": one.key, "reason": one.reason} for one in listing.unusable],
    }
    labels, notes = describe_backups(services.world, database)
    words = [f"{key}\n    {label}" for key, label in labels] or ["There is none. holdfast dr backup takes one."]
    answer(as_json, facts, "\n".join(words + notes))


@dr.command()
@click.argument("database", required=False)
@json_option
@pass_session
@guarded
def backup(session: TerminalSession, database: str | None, as_json: bool) -> None:
    """Take a backup and verify it."""
    database = database or default_database(session.services.policy)
    plan = request_plan(session, "back_up_database", {"database": database})
    follow_plan(session, plan, as_json)


@dr.command()
@click.argument("database", required=False)
@click.option("--backup", "key", help="Key of the backup; by default the newest verified one.")
@json_option
@pass_session
@guarded
def restore(session: TerminalSession, database: str | None, key: str | None, as_json: bool) -> None:
    """Make a plan that brings a database back; others approve it."""
    services = session.services
    database = database or default_database(services.policy)
    chosen = key or next((one.key for one in find_backups(services.world, database).backups), None)
    if chosen is None:
        raise Refused(f"There is no verified backup of {database}.", "holdfast dr backup takes one.")
    plan = request_plan(session, "restore_database", {"database": database, "backup": chosen})
    answer_plan(as_json, plan)


@dr.command()
@click.argument("number", type=NUMBER)
@click.option("--confirm", "typed", help="The name of the target, where the policy asks for it.")
@click.option("--hash", "plan_hash", help="The hash that you have read; without it the plan is shown.")
@click.option("--wait/--no-wait", default=True, help="Wait for the run that the last approval starts.")
@json_option
@pass_session
@guarded
def approve(
    session: TerminalSession, number: int, typed: str | None, plan_hash: str | None, wait: bool, as_json: bool
) -> None:
    """Approve a plan."""
    services = session.services
    plan = services.plans.find(number, session.viewer)
    if plan_hash is None:
        click.echo(_words(plan))
        click.confirm("Approve exactly this?", abort=True)
    run = services.approvals.decide(number, full_hash(plan, plan_hash), session.person, "approve", typed=typed)
    if run and wait:
        finish_run(session, run.id, as_json)
        return
    session.settle(lambda: True, PLAN_LIMIT_S)
    answer(
        as_json,
        _describe_plan(services.plans.find(number)),
        "Approved; more approvals are needed." if run is None else "Approved.",
    )


@dr.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def deny(session: TerminalSession, number: int, as_json: bool) -> None:
    """Deny a plan."""
    services = session.services
    services.approvals.decide(number, services.plans.find(number, session.viewer).hash, session.person, "deny")
    session.settle(lambda: True, PLAN_LIMIT_S)
    answer(as_json, _describe_plan(services.plans.find(number)), f"Plan {number} is denied.")


@dr.command()
@click.argument("number", type=NUMBER, required=False)
@json_option
@pass_session
@guarded
def runs(session: TerminalSession, number: int | None, as_json: bool) -> None:
    """List the recent runs, or show one."""
    services = session.services
    if number is not None:
        answer_run(services, services.runs.find(number, session.viewer), as_json)
        return
    recent = services.runs.list_recent(viewer=session.viewer)
    words = "\n".join(f"{one.id:4} {one.state:10} {one.action} on {one.target}" for one in recent)
    answer(as_json, {"runs": [_describe_run(services, one) for one in recent]}, words or "There has been no run yet.")


@dr.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def cancel(session: TerminalSession, number: int, as_json: bool) -> None:
    """Stop a run."""
    services = session.services
    services.runs.cancel(number, session.person)
    session.settle(lambda: services.runs.find(number).state in FINISHED, PLAN_LIMIT_S)
    answer_run(services, services.runs.find(number), as_json)


def place_of(session: TerminalSession) -> tuple[str, int | None]:
    """Where what the terminal does is shown in Slack: the only open incident's room, else the incidents channel."""
    still_open = reading_of(session).list_open()
    if len(still_open) == 1:
        return incident_room(still_open[0].id), still_open[0].id
    return slack_channel(session.services.policy.slack.incidents_channel), None


def request_plan(
    session: TerminalSession, action: str, parameters: dict[str, JsonValue], *, preview: bool = False
) -> Plan:
    """Ask for a plan and wait until it is made. Raises `Refused` where none could be."""
    services = session.services
    place, incident_id = place_of(session)
    asked = services.plans.request(
        person=session.person, action=action, parameters=parameters, place=place, incident_id=incident_id,
        preview=preview,
    )  # fmt: skip
    return await_plan(session, asked.id)


def await_plan(session: TerminalSession, number: int) -> Plan:
    """Wait until the plan is made. Raises `Refused` where none could be."""
    services = session.services
    session.settle(lambda: services.plans.find(number).state != "making", PLAN_LIMIT_S)
    made = services.plans.find(number)
    if made.document is None or made.state == "refused":  # the latter: no run may start now
        raise Refused(made.reason or f"Plan {made.id} is still being made.", f"holdfast dr plan {made.id} shows it.")
    return made


def follow_plan(session: TerminalSession, made: Plan, as_json: bool) -> None:
    """A plan that needs nobody's approval runs at once."""
    run = next((one for one in session.services.runs.list_recent() if one.plan_id == made.id), None)
    if run is None:
        answer_plan(as_json, made)
        return
    finish_run(session, run.id, as_json)


def finish_run(session: TerminalSession, run_id: int, as_json: bool) -> None:
    services = session.services
    session.settle(lambda: services.runs.find(run_id).state in FINISHED, RUN_LIMIT_S)
    run = services.runs.find(run_id)
    answer_run(services, run, as_json)
    if run.state not in ("done", "needless") or not (run.proof and run.proof.good):
        raise Failed(f"Run {run.id} is {run.state}.", run.words)


def full_hash(plan: Plan, given: str | None) -> str:
    """The beginning of a hash, as messages show it, stands for the whole; no other does."""
    if given is None or (len(given) >= 8 and plan.hash.startswith(given)):
        return plan.hash
    return given


def answer_plan(as_json: bool, plan: Plan) -> None:
    answer(as_json, _describe_plan(plan), _words(plan))


def _words(plan: Plan) -> str:
    document = plan.document
    if document is None:
        return f"Plan {plan.id} is {plan.state}. {plan.reason}"
    steps = "\n".join(f"  {number}. {step.title}" for number, step in enumerate(document.steps, 1))
    return (
        f"Plan {plan.id}: {document.title} ({document.risk}), {plan.state}\n"
        f"Target:    {document.target}\nData lost: {document.loss.words}\n"
        f"Downtime:  {_predicted(document.downtime.seconds)} ({document.downtime.source})\n"
        f"Way back:  {document.way_back}\nSteps:\n{steps}\nHash:      {plan.hash}"
    )


def _predicted(seconds: float | None) -> str:
    return "unknown" if seconds is None else show_duration(seconds)


def _describe_plan(plan: Plan) -> dict[str, Any]:
    document = plan.document.model_dump(mode="json") if plan.document else None
    return {"plan": plan.id, "state": plan.state, "reason": plan.reason, "hash": plan.hash, "document": document}


def answer_run(services: Services, run: Run, as_json: bool) -> None:
    lines = [f"Run {run.id}, {run.action} on {run.target}: {run.state}. {run.words}"]
    lines += [f"  {step.state:8} {step.title} {step.words}" for step in services.runs.list_steps(run.id)]
    if run.proof:
        lines += [_describe_verdict(one) for one in run.proof.verdicts]
    answer(as_json, _describe_run(services, run), "\n".join(lines))


def _describe_verdict(one: Verdict) -> str:
    sign = "good" if one.good else "?" if one.unknown else "BAD"
    return f"  {sign:4} {one.name}: {one.found} (expected {one.expected})"


def _describe_run(services: Services, run: Run) -> dict[str, Any]:
    steps = services.runs.list_steps(run.id)
    return {
        "run": run.id, "plan": run.plan_id, "action": run.action, "target": run.target, "state": run.state,
        "words": run.words, "proof": run.proof.model_dump(mode="json") if run.proof else None,
        "steps": [
            {"name": one.name, "state": one.state, "words": one.words, "attempts": one.attempts} for one in steps
        ],
    }  # fmt: skip
