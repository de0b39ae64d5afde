"""Plans, their approvals, and their runs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.columns import Document
from bot.store.documents import PlanDocument, Proof, Suggestion
from bot.store.tables.base import Json, Table, number


class Plan(Table):
    """What an action would do now.

    States: making; then preview (only to be read), pending, refused or needless (there is nothing to do); then
    approved, denied, expired or void.
    """

    __tablename__ = "plans"
    __table_args__ = (sa.Index("ix_plans_state", "state"),)

    id: Mapped[int] = number()
    action: Mapped[str]
    parameters: Mapped[Json]
    incident_id: Mapped[int | None] = mapped_column(index=True)
    requested_by: Mapped[str]
    place: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    target: Mapped[str] = mapped_column(default="")
    document: Mapped[PlanDocument | None] = mapped_column(Document(PlanDocument))
    hash: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    preview: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    playbook_run_id: Mapped[int | None]
    """The playbook run that asked for it; it goes on when the plan has ended."""


class Approval(Table):
    """One person's decision about one plan, bound to the plan's hash.

    Decisions: approve, deny, break_glass; lapsed for an approval of somebody who lost the power to give it.
    """

    __tablename__ = "approvals"
    __table_args__ = (sa.UniqueConstraint("plan_id", "person"),)

    id: Mapped[int] = number()
    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("plans.id"))
    person: Mapped[str]
    decision: Mapped[str]
    plan_hash: Mapped[str]
    at: Mapped[datetime]
    on_behalf_of: Mapped[str | None]
    """Whose seat it takes, where that was handed over to the person."""
    reason: Mapped[str | None]
    """Why the glass was broken."""


class Handover(Table):
    """One's approval in the hands of somebody else for a time, unless it is ended before."""

    __tablename__ = "handovers"

    id: Mapped[int] = number()
    giver: Mapped[str] = mapped_column(index=True)
    holder: Mapped[str]
    reason: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    def is_active(self, now: datetime) -> bool:
        return self.ended_at is None and self.since <= now < self.until


class Run(Table):
    """One execution of one approved plan.

    States: queued, running, cancelling; then done, refused, failed, cancelled, or needless: when it was to
    begin, the world had become what was approved without it.
    """

    __tablename__ = "runs"

    id: Mapped[int] = number()
    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("plans.id"), unique=True)
    action: Mapped[str]
    target: Mapped[str]
    incident_id: Mapped[int | None] = mapped_column(index=True)
    place: Mapped[str]
    state: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    cancel_requested_by: Mapped[str] = mapped_column(default="")
    attempt: Mapped[int] = mapped_column(default=1, server_default="1")
    begun: Mapped[int] = mapped_column(default=0, server_default="0")
    """The last attempt whose steps are written down."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    proof: Mapped[Proof | None] = mapped_column(Document(Proof))
    way_back: Mapped[Suggestion | None] = mapped_column(Document(Suggestion))
    """The action that takes it back, once it is done; None where nothing does."""


class RunStep(Table):
    """One step of a run, recorded before and after. States: waiting, running, done, failed, skipped."""

    __tablename__ = "run_steps"

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("runs.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    words: Mapped[str] = mapped_column(default="")
    output: Mapped[Json]
    kept: Mapped[Json] = mapped_column(default=dict, server_default="{}")
    """What the step must know again after a crash, such as the id of a command that it has sent."""


class RunOutput(Table):
    """A piece of what a step's programs and servers said, without secrets."""

    __tablename__ = "run_outputs"

    id: Mapped[int] = number()
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("runs.id"), index=True)
    step: Mapped[str]
    at: Mapped[datetime]
    text: Mapped[str]


class Lock(Table):
    """One run per target at a time; the row says who holds it, since when and why."""

    __tablename__ = "locks"

    target: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[int]
    holder: Mapped[str]
    since: Mapped[datetime]
    reason: Mapped[str]
    playbook_run_id: Mapped[int | None]
    """The playbook that keeps the target between its runs; `run_id` is 0 meanwhile."""
