"""Tasks with a due time: their owners are reminded before, at the time, and on every working day after it."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices, direct_message, incident_room
from bot.comms.responsible import may_know
from bot.engine import seconds_until
from bot.incidents.desk import Change
from bot.policy import Policy, find_business_days
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, Notice, Task

WORKFLOW = "remind-of-task"
KIND = "task_reminder"
BEFORE = timedelta(minutes=30)


class TaskReminders:
    """Reminders are delayed workflows for a task, its due time and a step; of another due time they say nothing."""

    def __init__(self, database: Database, policy: Policy, notices: Notices) -> None:
        self.database, self.policy, self.notices = database, policy, notices
        self.clock = notices.clock

    def changed(self, session: Session, incident: Incident, change: Change) -> None:
        """A listener, told when tasks of an incident have changed in whatever way."""
        if change != "tasks":
            return
        query = sa.select(Task).where(Task.incident_id == incident.id)
        tasks = {task.id: task for task in session.scalars(query)}
        for one in tasks.values():
            if _is_open(one) and one.due_at:  # what is scheduled already is not scheduled again
                self._schedule(session, one, one.due_at, 0, one.due_at - BEFORE)
        said = sa.select(Notice).where(Notice.incident_id == incident.id, Notice.kind == KIND)
        for notice in session.scalars(said):
            task = tasks.get(notice.subject_id or 0)  # one that went to another incident is not seen to
            if task and not _is_open(task) and not notice.data.get("over"):
                notice.data = {**notice.data, "over": True}
                session.flush()
                self.notices.refresh(session, notice.key)

    def remind(self, task_id: int, due: str, step: int) -> None:
        """The workflow: say one step, and schedule the next."""
        due_at = datetime.fromisoformat(due)
        with self.database.write() as session:
            ledger.hold(session)
            task = session.get_one(Task, task_id)
            if not _is_open(task) or task.due_at != due_at:
                return
            incident = session.get_one(Incident, task.incident_id)
            if step > 0 or self.clock() < due_at:  # late after a standstill: the next step says all there is to say
                self.notices.say(
                    session, KIND, key=f"{KIND}:{task_id}:{due}:{step}",
                    to=[self._find_recipient(session, incident, task)], incident_id=incident.id, subject_id=task_id,
                )  # fmt: skip
            self._schedule(session, task, due_at, step + 1, self._find_next(due_at, step))

    def _find_next(self, due_at: datetime, step: int) -> datetime:
        """After the one before comes the due time, then every opening of a working day."""
        return due_at if step == 0 else find_business_days(self.policy).open_after(max(due_at, self.clock()))

    def _find_recipient(self, session: Session, incident: Incident, task: Task) -> str:
        """The owner, or the channel where nobody who may know of it owns it."""
        owner = self.policy.person(task.owner or "")
        known = owner is not None and may_know(session, incident, owner.key)
        return direct_message(owner.key) if owner and known else incident_room(incident.id)

    def _schedule(self, session: Session, task: Task, due_at: datetime, step: int, when: datetime) -> None:
        self.notices.engine.enqueue(
            session, WORKFLOW, task.id, due_at.isoformat(), step,
            key=f"task-{task.id}-{due_at.isoformat()}-{step}", delay_s=seconds_until(when, self.clock()),
        )  # fmt: skip


def _is_open(task: Task) -> bool:
    return task.done_at is None and not task.dropped
