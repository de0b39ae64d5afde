"""Runs of playbooks."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.policy import PlaybookStep
from bot.store.columns import Document
from bot.store.tables.base import Json, Table, number


class PlaybookRun(Table):
    """One execution of a playbook on a database.

    States: planning, pending (one approval for the whole); running, paused, stopping; then done, stopped or refused.
    """

    __tablename__ = "playbook_runs"

    id: Mapped[int] = number()
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
