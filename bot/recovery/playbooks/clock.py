"""Where a playbook's time goes, by the phases of its disaster (document: Calculation Examples)."""

from __future__ import annotations

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.recovery.registry import find_action
from bot.store.tables import PlaybookTask, Run, RunStep

Spent = dict[str, JsonValue]
"""Seconds by phase, the phases in lower case."""


def measure_run(session: Session, task: PlaybookTask, run: Run) -> Spent:
    """What the run of a step took: for the phase that the policy names, else for those of the action's own steps."""
    if task.definition.phase:
        began, ended = run.started_at or run.created_at, run.finished_at or run.created_at
        return {task.definition.phase.lower(): (ended - began).total_seconds()}
    phase_of = {step.name: step.phase for step in find_action(run.action).steps()}
    spent: dict[str, float] = {}
    for step in session.scalars(sa.select(RunStep).where(RunStep.run_id == run.id)):
        if step.started_at and step.finished_at:
            phase = phase_of.get(step.name, "restore")
            spent[phase] = spent.get(phase, 0.0) + (step.finished_at - step.started_at).total_seconds()
    return dict(spent)


def measure_person(task: PlaybookTask) -> Spent:
    """What a person took who has just said that it is done."""
    if task.definition.phase is None or task.started_at is None or task.finished_at is None:
        return {}
    return {task.definition.phase.lower(): (task.finished_at - task.started_at).total_seconds()}
