"""The home tab: what is open, what waits for whoever looks, and how ready we are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.blocks.incident import Name, show_list
from bot.slack.blocks.rich import Piece, bold, lines, when
from bot.slack.text import literal, show_time
from bot.store.tables import Incident, Plan, Task

SHOWN = 10


@dataclass(frozen=True)
class HomeFacts:
    """What one person sees: nothing of it that they may not know."""

    incidents: list[Incident]
    mine: list[Plan]
    """Plans that wait for this person's approval."""
    others: list[Plan]
    """Plans that wait for somebody else's."""
    tasks: list[Task]
    """Open tasks of this person."""
    readiness: list[tuple[str, datetime | None]] = field(default_factory=list)
    """What should have happened lately, and when it last did."""
    lacking: list[str] = field(default_factory=list)
    """What is not set up, in words."""
    postmortems: list[tuple[Incident, datetime]] = field(default_factory=list)
    """Incidents with a post-mortem draft, and when it was written; the newest first."""


def show_home(product: str, facts: HomeFacts, name: Name) -> dict[str, Any]:
    """The view for one person."""
    count = len(facts.incidents)
    blocks: list[Block] = [
        parts.header(f"{product}: {count} open incident{'s' if count != 1 else ''}"),
        parts.actions([parts.button("Declare an incident", "incident.declare", {}, "danger")]),
        *show_list(facts.incidents, name),
        *_show_approvals(facts, name),
        *_show_tasks(facts.tasks),
        *_show_readiness(facts),
        *_show_postmortems(facts.postmortems),
    ]
    return {"type": "home", "blocks": parts.pack(blocks)}


def _show_approvals(facts: HomeFacts, name: Name) -> Iterator[Block]:
    yield parts.divider()
    yield parts.header("Waits for your approval")
    for plan in facts.mine[:SHOWN]:
        value: dict[str, JsonValue] = {"plan": plan.id, "hash": plan.hash}
        yield parts.marked(_describe(plan, name))
        yield parts.actions(
            [
                parts.button("Approve…", f"plan.approve:{plan.id}", value, "primary"),
                parts.button("Deny", f"plan.deny:{plan.id}", value, "danger"),
                parts.button("Whole plan", f"plan.show:{plan.id}", value),
            ]
        )
    if not facts.mine:
        yield parts.marked("Nothing.")
    for plan in facts.others[:SHOWN]:
        yield parts.context(f"For others: {_describe(plan, name)}")


def _describe(plan: Plan, name: Name) -> str:
    until = f", until {show_time(plan.expires_at)}" if plan.expires_at else ""
    return (
        f"*Plan {plan.id}* {plan.action} on {literal(plan.target)}, asked by {literal(name(plan.requested_by))}{until}"
    )


def _show_tasks(tasks: list[Task]) -> Iterator[Block]:
    yield parts.divider()
    yield parts.header("Your tasks")
    if not tasks:
        yield parts.marked("None.")
        return
    yield lines([_show_task(task) for task in tasks[:SHOWN]])
    if len(tasks) > SHOWN:
        yield parts.context(f"and {len(tasks) - SHOWN} more")


def _show_task(task: Task) -> Sequence[Piece]:
    due: Sequence[Piece] = ("  due ", when(task.due_at)) if task.due_at else ()
    return (bold(f"#{task.incident_id} "), task.title, *due)


def _show_readiness(facts: HomeFacts) -> Iterator[Block]:
    if not facts.readiness and not facts.lacking:
        return
    yield parts.divider()
    yield parts.header("Readiness")
    if facts.readiness:
        yield parts.fields([(title, show_time(at) if at else "never here") for title, at in facts.readiness])
    for words in facts.lacking[:SHOWN]:
        yield parts.context(f":warning: {literal(words)}")


def _show_postmortems(postmortems: list[tuple[Incident, datetime]]) -> Iterator[Block]:
    if not postmortems:
        return
    yield parts.divider()
    yield parts.header("Recent post-mortems")
    yield lines([(bold(f"#{one.id} "), one.title, "  drafted ", when(at)) for one, at in postmortems[:SHOWN]])
