"""Tasks: what somebody is to do for an incident, with owner and due time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue

from bot.incidents.changes import Changes, Changing
from bot.incidents.members import require_member
from bot.incidents.reading import LARGEST_NUMBER, list_same, only_visible, seen_by
from bot.incidents.text import LINE_LIMIT, clean_line
from bot.outcome import Refused
from bot.store.tables import Incident, Task

EXAMPLE = "/incident task Check the backups @diego by 14:30"


class Tasks:
    """Adding and changing them is allowed once the incident is resolved too: much is done afterwards."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def add(
        self, incident_id: int, *, actor: str, title: str, owner: str | None = None, due_at: datetime | None = None
    ) -> Task:
        """Raises `Refused` without words, for an unknown owner, and for a due time that has passed."""
        title = clean_line(title, "the task", LINE_LIMIT, EXAMPLE)
        self._check(owner, due_at)
        with self.changes.to_any(incident_id, actor) as change:
            if change.incident.merged_into_id:
                raise Refused(f"#{incident_id} is part of #{change.incident.merged_into_id} now.", "Add it there.")
            if owner:
                require_member(change, owner)
            task = Task(
                incident_id=incident_id, title=title, owner=owner, due_at=due_at, created_by=actor,
                created_at=self.changes.clock(),
            )  # fmt: skip
            change.session.add(task)
            change.session.flush()
            self._record(change, task, "added", f"Task {task.id}: {title}{self._describe(task)}")
            return task

    def finish(self, task_id: int, *, actor: str) -> Task:
        """It is done. Raises `Refused` where it was ended before."""
        with self._pending(task_id, actor) as (change, task):
            task.done_by, task.done_at = actor, self.changes.clock()
            self._record(change, task, "done", f"Task {task.id} is done: {task.title}")
            return task

    def drop(self, task_id: int, *, actor: str) -> Task:
        """It need not be done. Raises `Refused` where it was ended before."""
        with self._pending(task_id, actor) as (change, task):
            task.dropped, task.done_by, task.done_at = True, actor, self.changes.clock()
            self._record(change, task, "dropped", f"Task {task.id} is dropped: {task.title}")
            return task

    def assign(self, task_id: int, *, actor: str, owner: str) -> Task:
        """Somebody does it. Raises `Refused` for an unknown owner, or where it is theirs already."""
        self._check(owner, None)
        with self._pending(task_id, actor) as (change, task):
            if task.owner == owner:
                raise Refused(f"Task {task.id} is {self._name(owner)}'s already.", "Nothing was changed.")
            require_member(change, owner)
            task.owner = owner
            self._record(change, task, "assigned", f"{self._name(owner)} does task {task.id}: {task.title}")
            return task

    def set_due(self, task_id: int, *, actor: str, due_at: datetime) -> Task:
        """It is due then. Raises `Refused` for a time that has passed."""
        self._check(None, due_at)
        with self._pending(task_id, actor) as (change, task):
            task.due_at = due_at
            self._record(change, task, "due", f"Task {task.id} is due {due_at:%Y-%m-%d %H:%M} UTC: {task.title}")
            return task

    def list_of(self, incident_id: int) -> list[Task]:
        """Its tasks and those of what was merged into it: what is open by due time, then what has ended."""
        with self.changes.database.read() as session:
            query = sa.select(Task).where(Task.incident_id.in_(list_same(session, incident_id)))
            return sorted(session.scalars(query), key=place_of)

    def list_for(self, person: str) -> list[Task]:
        """What a person still has to do, what is due first first; nothing that they may not know of any more."""
        query = sa.select(Task).where(Task.owner == person, Task.done_at.is_(None), Task.dropped.is_(False))
        with self.changes.database.read() as session:
            return sorted(session.scalars(query.where(seen_by(Task.incident_id, person))), key=place_of)

    @contextmanager
    def _pending(self, task_id: int, actor: str) -> Iterator[tuple[Changing, Task]]:
        with self.changes.to_any(self._incident_of(task_id, actor), actor) as change:
            task = change.session.get_one(Task, task_id, with_for_update=True)
            if task.done_at:
                how = "dropped" if task.dropped else "done"
                raise Refused(f"Task {task_id} was {how} by {self._name(task.done_by)}.", "Nothing was changed.")
            yield change, task

    def _incident_of(self, task_id: int, actor: str) -> int:
        seen = only_visible(sa.select(Incident), self.changes.viewer(actor)).with_only_columns(Incident.id)
        query = sa.select(Task.incident_id).where(Task.id == task_id, Task.incident_id.in_(seen))
        found = None
        if 0 < task_id <= LARGEST_NUMBER:
            with self.changes.database.read() as session:
                found = session.scalar(query)
        if found is None:
            raise Refused(f"There is no task {task_id}.", "`/incident tasks` lists them.")
        return found

    def _check(self, owner: str | None, due_at: datetime | None) -> None:
        if owner is not None and self.changes.policy.person(owner) is None:
            raise Refused(f"{owner!r} is not among the people of the policy.", "`holdfast policy show` lists them.")
        if due_at is not None and due_at <= self.changes.clock():
            raise Refused(f"{due_at:%Y-%m-%d %H:%M} UTC has passed.", f"Example: `{EXAMPLE}`.")

    def _record(self, change: Changing, task: Task, what: str, text: str) -> None:
        due = task.due_at.isoformat() if task.due_at else None
        data: dict[str, JsonValue] = {"task": task.id, "owner": task.owner, "due": due}
        change.record(f"task.{what}", text, data)
        change.tell("tasks")

    def _describe(self, task: Task) -> str:
        owner = f", for {self._name(task.owner)}" if task.owner else ""
        return owner + (f", due {task.due_at:%Y-%m-%d %H:%M} UTC" if task.due_at else "")

    def _name(self, key: str | None) -> str:
        person = self.changes.policy.person(key or "")
        return person.name if person else key or "somebody"


def place_of(task: Task) -> tuple[bool, bool, float, int]:
    """Where it stands in a list."""
    return task.done_at is not None, task.due_at is None, task.due_at.timestamp() if task.due_at else 0.0, task.id
