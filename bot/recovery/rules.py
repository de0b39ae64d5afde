"""What the policy's rules mean for a plan right now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from bot.engine import Engine
from bot.outcome import Refused
from bot.policy import Plannable, Policy, PolicyError, Problem, find_closure
from bot.store.tables import Plan

NUDGE = "nudge-approvers"
NEVER_ENDS = "with no end in the coming year"


def describe_blackout(policy: Policy, plan: Plannable, now: datetime) -> str:
    """Why no run of this plan may start now, and until when in the policy's time zone; empty when it may."""
    closure = find_closure(policy, plan, now)
    if closure is None:
        return ""
    until = closure.until.astimezone(policy.zone) if closure.until else None
    return f"{closure.title}, {f'until {until:%a %d %b, %H:%M} ({policy.time_zone})' if until else NEVER_ENDS}"


def refuse_blackout(policy: Policy, plan: Plannable, now: datetime) -> None:
    """Raises `Refused` inside a blackout window, with its end."""
    words = describe_blackout(policy, plan, now)
    if words:
        glass = " If it cannot wait, break the glass." if policy.break_glass.covers(plan.risk) else ""
        raise Refused(f"No run may start now: {words}.", f"Nothing was changed. Come back then.{glass}")


def schedule_nudge(session: Session, engine: Engine, policy: Policy, plan: Plan, number: int) -> None:
    """Have those who may approve reminded for the `number`th time, in the caller's transaction."""
    after = policy.nudges.again_every if number > 1 else policy.nudges.first_after
    key = f"nudge-{plan.id}-{number}"
    engine.enqueue(session, NUDGE, plan.id, number, key=key, delay_s=after.total_seconds())


def refuse_unknown_actions(policy: Policy, file: Path, known: Collection[str]) -> None:
    """Raises `PolicyError` where `list_unknown_actions` finds any."""
    problems = list_unknown_actions(policy, file, known)
    if problems:
        raise PolicyError(problems)


def list_unknown_actions(policy: Policy, file: Path, known: Collection[str]) -> list[Problem]:
    """Recovery actions that the policy names and that there are not: a rule never applied looks like one that is."""
    return [
        Problem(file, None, path, f'"{name}" is not a recovery action; there are: {", ".join(sorted(known))}')
        for path, name in _list_actions(policy)
        if name not in known
    ]


def _list_actions(policy: Policy) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for section, scopes in (("approval_exceptions", policy.approval_exceptions), ("blackouts", policy.blackouts)):
        for index, scope in enumerate(scopes):
            for place, name in enumerate(scope.actions):
                yield (section, index, "actions", place), name
