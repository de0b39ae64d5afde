"""The rows of a run's steps: written down when it begins, set back before another attempt, with what a step keeps."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.recovery.action import Context, Memory, Step
from bot.store.database import Database
from bot.store.tables import Run, RunStep


class StepMemory(Memory):
    """In the step's own row."""

    def __init__(self, database: Database, run_id: int, index: int) -> None:
        self.database, self.key = database, (run_id, index)

    def recall(self, name: str) -> str | None:
        with self.database.read() as session:
            value = session.get_one(RunStep, self.key).kept.get(name)
        return None if value is None else str(value)

    def keep(self, name: str, value: str) -> None:
        with self.database.write() as session:
            row = session.get_one(RunStep, self.key)
            row.kept = {**row.kept, name: value}


def write_down(run: Run, steps: list[Step[Any]]) -> list[RunStep]:
    """All of them, waiting."""
    return [
        RunStep(run_id=run.id, index=index, name=step.name, title=step.title, state="waiting", output={})
        for index, step in enumerate(steps)
    ]


def reset(session: Session, run: Run, lasting: int, context: Context[Any]) -> None:
    """Before another attempt: what lasts counts as done, what was left out stays so, the rest waits again."""
    for row in session.scalars(sa.select(RunStep).where(RunStep.run_id == run.id).order_by(RunStep.index)):
        if row.state == "skipped":
            continue
        if row.index < lasting:
            row.state, row.output = "done", context.outputs.get(row.name, row.output)
            continue
        context.outputs.pop(row.name, None)
        row.state, row.words, row.output, row.kept = "waiting", "", {}, {}
        row.started_at = row.finished_at = None
