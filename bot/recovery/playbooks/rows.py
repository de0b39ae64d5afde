"""The rows of a playbook run, and how they change: always in the caller's transaction, with ledger and message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.incidents.reading import sees
from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery.locks import give_locks_back, keep_locks, name_playbook
from bot.recovery.plans import ADVANCE
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, Plan, PlaybookRun, PlaybookTask

OVER = ("done", "skipped", "needless")
"""States of a step after which the next one has its turn."""
ENDED = ("done", "stopped", "refused")


def playbook_key(number: int) -> str:
    """Key of the notice that shows a playbook run."""
    return f"playbook:{number}"


class PlaybookRows:
    """Finds and changes them."""

    def __init__(self, database: Database, notices: Notices, policy: Policy) -> None:
        self.database, self.notices, self.policy, self.clock = database, notices, policy, notices.clock

    def find(self, number: int, viewer: str | None = None) -> PlaybookRun:
        """Raises `Refused` where there is none, or the viewer may not know of it."""
        with self.database.read() as session:
            run = session.get(PlaybookRun, number)
            return known(run if run and sees(session, run.incident_id, viewer) else None, number)

    def lock(self, session: Session, number: int) -> PlaybookRun:
        """The run, held until the transaction ends; the ledger first, as everywhere, so no two wait in a circle."""
        ledger.hold(session)
        query = sa.select(PlaybookRun).where(PlaybookRun.id == number).with_for_update()
        return known(session.scalar(query.execution_options(populate_existing=True)), number)

    def list_tasks(self, session: Session, number: int) -> list[PlaybookTask]:
        """The steps in order."""
        query = sa.select(PlaybookTask).where(PlaybookTask.playbook_run_id == number)
        return list(session.scalars(query.order_by(PlaybookTask.index)))

    def find_beginning(self, run: PlaybookRun) -> datetime:
        """When the trouble was noticed; without an incident, when the playbook was asked for."""
        with self.database.read() as session:
            incident = session.get(Incident, run.incident_id) if run.incident_id else None
        return min(incident.detected_at, run.created_at) if incident else run.created_at

    def ask_for_turn(self, session: Session, run: PlaybookRun) -> None:
        """Have the next turn taken once the transaction commits."""
        run.turn += 1
        self.notices.engine.enqueue(session, ADVANCE, run.id, key=f"playbook-{run.id}-{run.turn}")

    def ask_task(self, session: Session, run: PlaybookRun, task: PlaybookTask, plan: Plan | None) -> None:
        """The step is begun: its plan is asked for, or a person is."""
        task.state, task.words, task.finished_at = "asked", "", None
        task.attempts += 1
        task.plan_id, task.skip_plan_id = plan.id if plan else None, None
        task.started_at = task.started_at or self.clock()
        what = f"plan {plan.id}" if plan else "done by a person"
        text = f"Playbook run {run.id}, step {task.index + 1} begins: {task.definition.title} ({what})"
        self.record(session, run, "playbook.step.begun", text, task=task)
        self.show(session, run)

    def finish_task(self, session: Session, run: PlaybookRun, task: PlaybookTask, state: str, words: str) -> None:
        """The step is over, or has failed."""
        task.state, task.words, task.finished_at = state, words, self.clock()
        text = f"Playbook run {run.id}, step {task.index + 1} is {state}: {task.definition.title}"
        self.record(session, run, f"playbook.step.{state}", f"{text}. {words}".strip(". "), task=task)
        self.show(session, run)

    def pause(self, session: Session, run: PlaybookRun, words: str) -> None:
        """Nothing goes on until somebody says how."""
        run.state, run.words = "paused", words
        self.record(session, run, "playbook.paused", f"Playbook run {run.id} is paused. {words}")
        self.show(session, run)

    def end(self, session: Session, run: PlaybookRun, state: str, words: str) -> None:
        """The playbook is over; what it touched is free."""
        run.state, run.finished_at = state, self.clock()
        run.words = f"{words} {_tell_true(self.list_tasks(session, run.id))}".strip()
        give_locks_back(session, run.id)
        self.record(session, run, f"playbook.{state}", f"Playbook run {run.id} is {state}. {run.words}")
        self.show(session, run)

    def keep_things(self, session: Session, run: PlaybookRun, things: Iterable[str]) -> None:
        """Keep everybody else from them. Raises `Held`."""
        keep_locks(
            session, things, playbook_run_id=run.id, holder=run.requested_by,
            reason=name_playbook(run), now=self.clock(),
        )  # fmt: skip

    def record(
        self, session: Session, run: PlaybookRun, kind: str, text: str, actor: str = "holdfast",
        task: PlaybookTask | None = None, data: dict[str, JsonValue] | None = None,
    ) -> None:  # fmt: skip
        """One fact for the ledger."""
        facts: dict[str, JsonValue] = {"playbook_run": run.id, "playbook": run.playbook, **(data or {})}
        if task is not None:
            facts |= {"step": task.index + 1, "attempt": task.attempts, "plan": task.plan_id}
        ledger.append(session, kind=kind, actor=actor, text=text, incident_id=run.incident_id, data=facts)

    def show(self, session: Session, run: PlaybookRun) -> None:
        """Bring the message about the run up to date."""
        session.flush()
        self.notices.refresh(session, playbook_key(run.id))


def known(run: PlaybookRun | None, number: int) -> PlaybookRun:
    """The run. Raises `Refused` where there is none."""
    if run is None:
        raise Refused(f"There is no playbook run {number}.", "`/dr playbook` lists the recent ones.")
    return run


def _tell_true(tasks: list[PlaybookTask]) -> str:
    """What has been done and what has not, by the steps' numbers."""
    done = _count(tasks, ("done",))
    if len(done) == len(tasks):
        return ""
    rest = {
        "left out": _count(tasks, ("skipped",)),
        "not needed": _count(tasks, ("needless",)),
        "failed": _count(tasks, ("failed",)),
        "not done": _count(tasks, ("waiting", "asked")),
    }
    told = [f"{label}: {', '.join(numbers)}" for label, numbers in rest.items() if numbers]
    return f"Steps done: {', '.join(done) or 'none'}; {'; '.join(told)}."


def _count(tasks: list[PlaybookTask], states: tuple[str, ...]) -> list[str]:
    return [str(task.index + 1) for task in tasks if task.state in states]
