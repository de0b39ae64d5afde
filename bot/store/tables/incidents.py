"""Incidents and what belongs to one."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.policy import SeverityName
from bot.store.tables.base import Table, number


class Incident(Table):
    """Something that hurts users. `id` is its public number, from the database's sequence."""

    __tablename__ = "incidents"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = number()
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


class Postmortem(Table):
    """The draft that the ledger wrote."""

    __tablename__ = "postmortems"

    id: Mapped[int] = number()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    markdown: Mapped[str]
    drafted_at: Mapped[datetime]
