"""What is left to do after an incident (document: Step 7): tasks with a due time, made when it is resolved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.incidents.desk import Change, Listener
from bot.policy import FollowUp, Policy, find_business_days
from bot.store import ledger
from bot.store.tables import Incident, IncidentRole, Task

DAY = timedelta(days=1)
HOLDFAST = "holdfast"


class FollowUps:
    """Makes the policy's follow-ups into tasks, and completes those that need nobody's word."""

    def __init__(self, policy: Policy, listeners: Sequence[Listener], clock: Clock = utc_now) -> None:
        """`listeners`: the desk's, who are told of "tasks" in the same transaction."""
        self.policy, self.listeners, self.clock = policy, listeners, clock

    def changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The desk's listener; before those that complete what is made here."""
        if change == "resolved":
            self._make(session, incident)
        elif change in ("reopened", "merged"):  # the next resolution makes them anew
            for task in self._read_open(session, incident):
                task.dropped = True
                task.done_by, task.done_at = HOLDFAST, self.clock()
        else:
            return
        self._tell(session, incident)

    def drafted(self, session: Session, incident: Incident) -> None:
        """The draft of the post-mortem is there, with the whole timeline in it."""
        self.complete(session, incident, "post_mortem_drafted")

    def complete(self, session: Session, incident: Incident, occasion: str) -> None:
        """Something has happened that completes what waits for it."""
        found = [one for one in self._read_open(session, incident) if one.done_when == occasion]
        for task in found:
            task.done_by, task.done_at = HOLDFAST, self.clock()
            ledger.append(
                session, key=f"task.done:{task.id}", kind="task.done", actor=HOLDFAST, text=f"Done: {task.title}",
                at=self.clock(), incident_id=incident.id, data={"task": task.id},
            )  # fmt: skip
        if found:
            self._tell(session, incident)

    def _make(self, session: Session, incident: Incident) -> None:
        held = sa.select(IncidentRole).where(IncidentRole.incident_id == incident.id)
        holders = {row.role: row.person for row in session.scalars(held)}
        for follow_up, due_at in list_follow_ups(self.policy, incident, incident.resolved_at or self.clock()):
            task = Task(
                incident_id=incident.id, title=follow_up.title, due_at=due_at, follow_up=True,
                owner=self._find_owner(follow_up, holders), done_when=follow_up.done_when,
                created_by=HOLDFAST, created_at=self.clock(),
            )  # fmt: skip
            session.add(task)

    def _find_owner(self, follow_up: FollowUp, holders: dict[str, str]) -> str | None:
        """Who held the role in this incident; whoever takes it where nobody did."""
        return holders.get(follow_up.owner) if follow_up.owner else None

    def _read_open(self, session: Session, incident: Incident) -> list[Task]:
        query = sa.select(Task).where(
            Task.incident_id == incident.id, Task.follow_up.is_(True), Task.done_at.is_(None), Task.dropped.is_(False)
        )
        return list(session.scalars(query.order_by(Task.id)))

    def _tell(self, session: Session, incident: Incident) -> None:
        session.flush()
        for listener in self.listeners:
            listener(session, incident, "tasks")


def list_follow_ups(policy: Policy, incident: Incident, resolved_at: datetime) -> Iterator[tuple[FollowUp, datetime]]:
    """What is left to do and by when; nothing about telling those who are not told of such an incident."""
    for follow_up in policy.post_incident:
        told_outside = follow_up.done_when in ("status_page_resolved", "resolution_sent")
        public_only = follow_up.done_when == "status_page_resolved"
        if (incident.private and told_outside) or (incident.drill and public_only):
            continue
        yield follow_up, find_follow_up_due(policy, follow_up, resolved_at)


def find_follow_up_due(policy: Policy, follow_up: FollowUp, resolved_at: datetime) -> datetime:
    """By when it is to be done. What has more than a day, and would fall on a day off, has until the next opening."""
    due_at, days = resolved_at + follow_up.due, find_business_days(policy)
    return due_at if follow_up.due <= DAY or days.is_working(due_at) else days.open_next(due_at)
