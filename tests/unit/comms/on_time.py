"""Everything that keeps people on time, on a real store, with a clock and a queue that are turned by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms import cadence, coordinator_seat, task_reminders
from bot.comms.audiences import Audiences
from bot.comms.bulletins import Bulletins
from bot.comms.cadence import Cadence
from bot.comms.coordinator_seat import CoordinatorSeat
from bot.comms.incident_desk import IncidentNotices
from bot.comms.notices import SLACK, Notices
from bot.comms.pages import Pages
from bot.comms.resolution_told import ResolutionTold
from bot.comms.task_reminders import TaskReminders
from bot.comms.update_desk import UpdateDesk
from bot.comms.wording import Wording
from bot.engine import Engine
from bot.incidents.desk import Change, Desk
from bot.incidents.follow_ups import FollowUps
from bot.incidents.on_call import OnCall
from bot.policy import Person, Policy, load_policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Bulletin, Delivery, Incident, IncidentMember, IncidentRole, LedgerEntry, Notice, Task
from tests.integration.store.stores import open_store
from tests.unit.incidents.conftest import HandClock

READY = (SLACK, "email", "pagerduty", "statuspage")


@dataclass
class Queue:
    """What was enqueued, until its time has come; a key is taken once."""

    clock: HandClock
    waiting: list[tuple[datetime, int, str, tuple[Any, ...]]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def enqueue(self, _session: Session, name: str, *given: Any, key: str, delay_s: float = 0.0, **_: Any) -> None:
        if key not in self.keys:
            self.keys.add(key)
            self.waiting.append((self.clock() + timedelta(seconds=delay_s), len(self.keys), name, given))

    def pop_due(self, until: datetime) -> tuple[datetime, int, str, tuple[Any, ...]] | None:
        due = min((one for one in self.waiting if one[0] <= until), default=None)
        if due:
            self.waiting.remove(due)
        return due


@dataclass(frozen=True)
class Said:
    """One notice: when, of which kind, to whom, and what it holds."""

    at: datetime
    kind: str
    key: str
    to: list[str]
    data: dict[str, Any]

    @property
    def step(self) -> int:
        return int(self.key.rsplit(":", 1)[1])

    @property
    def audiences(self) -> set[str]:
        return set(self.data["turns"])


class Office:
    """The desk with all that listens to it, and people who use it."""

    def __init__(self, database: Database, policy: Policy, ready: Collection[str] = READY) -> None:
        """`ready`: the channels that something can be said on."""
        self.database, self.policy, self.clock = database, policy, HandClock()
        self.queue = Queue(self.clock)
        self.notices = notices = Notices(cast(Engine, self.queue), self.clock)
        self.audiences = audiences = Audiences(policy, ready)
        self.desk, self.bulletins = Desk(database, policy, self.clock), Bulletins(database, policy, notices, audiences)
        pages, on_call = Pages(notices, audiences), OnCall(policy, {}, self.clock)
        self.cadence = Cadence(database, policy, notices, pages, on_call)
        self.seat = CoordinatorSeat(database, policy, notices, pages, on_call)
        self.follow_ups = FollowUps(policy, self.desk.listeners, self.clock)
        self.tasks = TaskReminders(database, policy, notices)
        self.updates = UpdateDesk(self.cadence, self.desk)
        self.desk.listeners += [
            self.cadence.changed, self.seat.changed, self.follow_ups.changed, self.tasks.changed,
            IncidentNotices(notices, self.bulletins).changed,
        ]  # fmt: skip
        self.bulletins.published += [self.cadence.told, ResolutionTold(policy, self.follow_ups).told]
        self.workflows: dict[str, Callable[..., None]] = {
            cadence.WORKFLOW: self.cadence.remind,
            coordinator_seat.WORKFLOW: self.seat.nag,
            task_reminders.WORKFLOW: self.tasks.remind,
        }
        self.times = 1
        """How often every workflow is run: after a crash it is run again, although it may have been through."""

    def person(self, key: str) -> Person:
        person = self.policy.person(key)
        assert person is not None
        return person

    def declare(self, severity: str = "P1", **more: Any) -> Incident:
        return self.desk.declare(actor="mei", severity=severity, title="Bags are missing", confirmed=True, **more)

    def wait(self, until: datetime | None = None, **by: float) -> None:
        """Let time go by, doing each thing when it falls due."""
        until = until or self.clock() + timedelta(**by)
        while job := self.queue.pop_due(until):
            self.clock.now = max(self.clock.now, job[0])
            if job[2] in self.workflows:
                for _ in range(self.times):
                    self.workflows[job[2]](*job[3])
        self.clock.now = max(self.clock.now, until)

    def stand_still(self, **by: float) -> None:
        """Nothing runs meanwhile."""
        self.clock.turn(**by)

    def change(self, incident: Incident, change: Change, **changed: Any) -> None:
        """Something about an incident changes, as the desk would do it."""
        with self.database.write() as session:
            row = session.get_one(Incident, incident.id)
            for name, value in changed.items():
                setattr(row, name, value)
            ledger.append(
                session, kind=f"incident.{change}", actor="mei", text=change, at=self.clock(), incident_id=incident.id
            )
            session.flush()
            for listener in self.desk.listeners:
                listener(session, row, change)

    def hold(self, incident: Incident, role: str, person: str) -> None:
        """Somebody holds a role whom the shipped policy, with one person for each, does not let hold it."""
        with self.database.write() as session:
            session.add(IncidentRole(incident_id=incident.id, role=role, person=person, since=self.clock()))
        self.change(incident, "roles")

    def leave(self, incident: Incident, role: str) -> None:
        """Somebody gives a role up."""
        with self.database.write() as session:
            session.delete(session.get_one(IncidentRole, (incident.id, role)))
            row = session.get_one(Incident, incident.id)
            ledger.append(
                session, kind="incident.role", actor="mei", text="left", incident_id=row.id, data={"role": role}
            )
            session.flush()
            for listener in self.desk.listeners:
                listener(session, row, "roles")

    def add_task(self, incident: Incident, owner: str | None, **due: float) -> int:
        with self.database.write() as session:
            task = Task(
                incident_id=incident.id, title="Call the vendor", owner=owner, due_at=self.clock() + timedelta(**due),
                created_by="mei", created_at=self.clock(),
            )  # fmt: skip
            session.add(task)
            session.flush()
            self._tell_tasks(session, incident)
            return task.id

    def change_task(self, incident: Incident, task_id: int, **changed: Any) -> None:
        with self.database.write() as session:
            task = session.get_one(Task, task_id)
            for name, value in changed.items():
                setattr(task, name, value)
            session.flush()
            self._tell_tasks(session, incident)

    def admit(self, incident: Incident, *people: str) -> None:
        with self.database.write() as session:
            for key in people:
                session.add(IncidentMember(incident_id=incident.id, person=key, added_by="mei", since=self.clock()))

    def publish(self, incident: Incident, person: str = "priya") -> bool:
        """Publish the draft that waits; False where none does."""
        with self.database.read() as session:
            drafts = sa.select(Bulletin.id).where(Bulletin.incident_id == incident.id, Bulletin.state == "draft")
            draft = session.scalar(drafts.order_by(Bulletin.id.desc()))
        if draft is not None:
            self.bulletins.publish(draft, person=self.person(person), wording=Wording())
        return draft is not None

    def said(self, kind: str = cadence.REMINDER) -> list[Said]:
        """Everything of a kind that was said, in order."""
        with self.database.read() as session:
            found = []
            for notice in session.scalars(sa.select(Notice).where(Notice.kind == kind).order_by(Notice.id)):
                to = session.scalars(sa.select(Delivery).where(Delivery.notice_id == notice.id).order_by(Delivery.id))
                whom = [one.recipient if one.channel == SLACK else one.channel for one in to]
                found.append(Said(notice.created_at, kind, notice.key, whom, notice.data))
            return found

    def read_tasks(self) -> list[Task]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Task).order_by(Task.id)))

    def ledger(self, kind: str) -> list[str]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(LedgerEntry.text).where(LedgerEntry.kind == kind)))

    def _tell_tasks(self, session: Session, incident: Incident) -> None:
        row = session.get_one(Incident, incident.id)
        for listener in self.desk.listeners:
            listener(session, row, "tasks")


@contextmanager
def open_office(folder: Path, policy: Policy | None = None) -> Iterator[Office]:
    with open_store(f"sqlite:///{folder / 'holdfast.db'}") as database:
        yield Office(database, policy or load_policy(None))
