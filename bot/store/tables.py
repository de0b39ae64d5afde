"""The tables. Loaded rows are plain objects: the surfaces read them after the session is closed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.policy import PlaybookStep, SeverityName
from bot.store.columns import Document, UtcDateTime
from bot.store.documents import Finding, PlanDocument, Proof, Suggestion

Json = dict[str, JsonValue]


class Table(DeclarativeBase):
    type_annotation_map = {datetime: UtcDateTime, Json: Document(Json), str: sa.Text}  # noqa: RUF012
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _id() -> Mapped[int]:
    return mapped_column(primary_key=True, autoincrement=True)


class Incident(Table):
    """Something that hurts users. `id` is its public number, from the database's sequence."""

    __tablename__ = "incidents"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = _id()
    title: Mapped[str]
    severity: Mapped[SeverityName] = mapped_column(sa.Text)
    status: Mapped[str]
    category: Mapped[str]
    impact: Mapped[str] = mapped_column(default="")
    declared_by: Mapped[str]
    declared_at: Mapped[datetime]
    detected_at: Mapped[datetime]
    drill: Mapped[bool] = mapped_column(default=False)
    resolved_at: Mapped[datetime | None]
    channel_id: Mapped[str | None] = mapped_column(index=True)
    channel_name: Mapped[str | None]
    last_update: Mapped[str] = mapped_column(default="")
    last_update_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


class IncidentRole(Table):
    """A role held by a person for one incident."""

    __tablename__ = "incident_roles"

    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str]
    since: Mapped[datetime]


class LedgerEntry(Table):
    """One fact: who, when it happened, when it was recorded. An incident's entries are its timeline."""

    __tablename__ = "ledger"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(unique=True)
    incident_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[str]
    actor: Mapped[str]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    text: Mapped[str]
    data: Mapped[Json]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class LedgerHead(Table):
    """The last entry's place and hash, so that a removed tail is found. One row, and the append lock."""

    __tablename__ = "ledger_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str]


class Notice(Table):
    """What is to be said. When what it shows changes, `version` rises and the message follows."""

    __tablename__ = "notices"

    id: Mapped[int] = _id()
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    incident_id: Mapped[int | None] = mapped_column(index=True)
    subject_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)
    data: Mapped[Json]
    created_at: Mapped[datetime]


class Delivery(Table):
    """Saying one notice to one recipient on one channel, with its receipt."""

    __tablename__ = "deliveries"
    __table_args__ = (sa.UniqueConstraint("notice_id", "channel", "recipient"),)

    id: Mapped[int] = _id()
    notice_id: Mapped[int] = mapped_column(sa.ForeignKey("notices.id"))
    channel: Mapped[str]
    recipient: Mapped[str]
    state: Mapped[str]
    shown_version: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    receipt: Mapped[Json]
    error: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime]


class Sweep(Table):
    """One round of checks and its findings."""

    __tablename__ = "sweeps"

    id: Mapped[int] = _id()
    incident_id: Mapped[int | None] = mapped_column(index=True)
    scope: Mapped[str]
    requested_by: Mapped[str]
    place: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    findings: Mapped[list[Finding]] = mapped_column(Document(list[Finding]))


class Plan(Table):
    """What an action would do now.

    States: making; then preview (only to be read), pending or refused; then approved, denied, expired or void.
    """

    __tablename__ = "plans"
    __table_args__ = (sa.Index("ix_plans_state", "state"),)

    id: Mapped[int] = _id()
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

    id: Mapped[int] = _id()
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

    id: Mapped[int] = _id()
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

    States: queued, running, cancelling; then done, refused, failed or cancelled.
    """

    __tablename__ = "runs"

    id: Mapped[int] = _id()
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


class RunOutput(Table):
    """A piece of what a step's programs and servers said, without secrets."""

    __tablename__ = "run_outputs"

    id: Mapped[int] = _id()
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


class PlaybookRun(Table):
    """One execution of a playbook on a database.

    States: planning, pending (one approval for the whole); running, paused, stopping; then done, stopped or refused.
    """

    __tablename__ = "playbook_runs"

    id: Mapped[int] = _id()
    playbook: Mapped[str]
    database: Mapped[str]
    incident_id: Mapped[int | None] = mapped_column(index=True)
    place: Mapped[str]
    requested_by: Mapped[str]
    state: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    plan_id: Mapped[int | None]
    """The plan of the whole; None where each action is approved at its turn."""
    turn: Mapped[int] = mapped_column(default=0)
    """How often it was somebody's or something's turn; makes each turn's workflow one of its kind."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class PlaybookTask(Table):
    """One step of a playbook run, as the policy had it at the start.

    States: waiting, asked (a plan and its run, or a person), failed; then done, skipped, or needless where its
    condition was not met.
    """

    __tablename__ = "playbook_tasks"

    playbook_run_id: Mapped[int] = mapped_column(sa.ForeignKey("playbook_runs.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    definition: Mapped[PlaybookStep] = mapped_column(Document(PlaybookStep))
    state: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    plan_id: Mapped[int | None] = mapped_column(index=True)
    skip_plan_id: Mapped[int | None]
    alone: Mapped[bool] = mapped_column(default=False)
    """Needs an approval of its own, although the whole was approved."""
    spent: Mapped[Json]
    """Seconds by phase of the disaster."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class SlackUser(Table):
    """What Slack told of a user, so that a press can be authorised without asking again."""

    __tablename__ = "slack_users"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    fetched_at: Mapped[datetime]


class Postmortem(Table):
    """The draft that the ledger wrote."""

    __tablename__ = "postmortems"

    id: Mapped[int] = _id()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    markdown: Mapped[str]
    drafted_at: Mapped[datetime]
