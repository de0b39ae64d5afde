"""`holdfast dr approvals|handover|break-glass`: who approves, who does it for whom, and starting alone."""

from __future__ import annotations

from typing import Any

import click

from bot.policy import rule_for
from bot.recovery.handovers import read_length, require_person
from bot.services import Services
from bot.store.tables import Handover, Plan
from bot.terminal.dr import dr, finish_run, full_hash
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session


@dr.command()
@json_option
@pass_session
@guarded
def approvals(session: TerminalSession, as_json: bool) -> None:
    """List the plans that wait for approval, and whose approval is in other hands."""
    services = session.services
    waiting = [_describe_plan(services, plan) for plan in services.approvals.list_waiting(session.viewer)]
    handovers = [_describe_handover(services, one) for one in services.handovers.list_active()]
    words = [
        f"{one['plan']:4} {one['title']} on {one['target']}: {one['given']} of {one['quorum']}" for one in waiting
    ] or ["No plan waits for approval."]
    words += [f"{one['holder']} may approve for {one['giver']} until {one['until']}" for one in handovers]
    answer(as_json, {"waiting": waiting, "handovers": handovers}, "\n".join(words))


@dr.command()
@click.argument("person")
@click.argument("lasting", nargs=-1, required=True)
@click.option("--reason", default="", help="Why.")
@json_option
@pass_session
@guarded
def handover(session: TerminalSession, person: str, lasting: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Let PERSON approve for you, for a time such as 4h; `off` ends it."""
    services = session.services
    other = require_person(services.policy, person)
    if lasting == ("off",):
        ended = services.handovers.end(session.person, other)
        answer(as_json, _describe_handover(services, ended), f"Nothing is handed over between you and {other.name}.")
        return
    length, more = read_length(" ".join(lasting))
    given = services.handovers.give(session.person, other, length, reason or more)
    answer(
        as_json,
        _describe_handover(services, given),
        f"{other.name} may approve for you until {given.until:%Y-%m-%d %H:%M UTC}. You still may; together you count "
        "once.",
    )


@dr.command("break-glass")
@click.argument("number", type=NUMBER)
@click.option("--reason", required=True, help="Why nobody else can approve.")
@click.option("--confirm", "typed", required=True, help="The name of the target.")
@click.option("--hash", "plan_hash", required=True, help="The hash that you have read; `holdfast dr plan` shows it.")
@click.option("--wait/--no-wait", default=True, help="Wait for the run.")
@json_option
@pass_session
@guarded
def break_glass(
    session: TerminalSession, number: int, reason: str, typed: str, plan_hash: str, wait: bool, as_json: bool
) -> None:
    """Start a plan alone; everybody is told."""
    services = session.services
    full = full_hash(services.plans.find(number, session.viewer), plan_hash)
    run = services.break_glass.start(number, full, session.person, reason=reason, typed=typed)
    if run and wait:
        finish_run(session, run.id, as_json)
        return
    session.settle(lambda: True, 0)
    facts = {"run": run.id if run else None, "plan": number}
    answer(as_json, facts, f"Plan {number} has been started; everybody is told.")


def _describe_plan(services: Services, plan: Plan) -> dict[str, Any]:
    assert plan.document is not None  # waiting plans have one
    return {
        "plan": plan.id, "title": plan.document.title, "target": plan.target,
        "given": services.approvals.count_given(plan.id), "quorum": rule_for(services.policy, plan.document).quorum,
        "expires_at": plan.expires_at,
    }  # fmt: skip


def _describe_handover(services: Services, one: Handover) -> dict[str, Any]:
    names = {person.key: person.name for person in services.policy.people}
    return {
        "giver": names.get(one.giver, one.giver), "holder": names.get(one.holder, one.holder),
        "until": one.until, "reason": one.reason, "ended_at": one.ended_at,
    }  # fmt: skip
