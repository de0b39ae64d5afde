"""Incidents and what belongs to one."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.policy import SeverityName
from bot.store.columns import Document
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
    next_steps: Mapped[str] = mapped_column(default="", server_default="")
    estimated_recovery: Mapped[str] = mapped_column(default="", server_default="")
    """As people put it: "14:30 UTC", "an hour"; empty where nobody said."""
    components: Mapped[list[str]] = mapped_column(Document(list[str]), default=list, server_default="[]")
    """Keys of the policy's components that it affects, as people named them."""
    private: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """Only its members (`IncidentMember`) may know of it."""
    merged_into_id: Mapped[int | None]
    """The incident that it turned out to be the same as; its timeline is read together with that one's."""
    closed_at: Mapped[datetime | None]
    """When everything about it had been tidied up, some time after the resolution."""
    archived_at: Mapped[datetime | None]
    """When its channel was archived."""

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


class IncidentMember(Table):
    """Somebody who may know of a private incident."""

    __tablename__ = "incident_members"

    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)
    added_by: Mapped[str]
    since: Mapped[datetime]


class Task(Table):
    """Something that somebody is to do for an incident: by hand, or one of the policy's follow-ups."""

    __tablename__ = "tasks"

    id: Mapped[int] = number()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    title: Mapped[str]
    owner: Mapped[str | None]
    due_at: Mapped[datetime | None]
    follow_up: Mapped[bool] = mapped_column(default=False)
    """From the policy's list of what is left to do after an incident."""
    done_when: Mapped[str | None]
    """What completes it by itself, as the policy's list says."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    done_by: Mapped[str | None]
    done_at: Mapped[datetime | None]
    dropped: Mapped[bool] = mapped_column(default=False)
    """Done with, although it was not done."""


class Link(Table):
    """An address that responders want at hand: a dashboard, a document, a call."""

    __tablename__ = "links"

    id: Mapped[int] = number()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    url: Mapped[str]
    title: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime]


class PinnedMessage(Table):
    """A message that people put on the timeline; edits of it follow, taking it back is an entry of its own."""

    __tablename__ = "pinned_messages"
    __table_args__ = (sa.UniqueConstraint("channel_id", "ts"),)

    id: Mapped[int] = number()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    channel_id: Mapped[str]
    ts: Mapped[str]
    entry_seq: Mapped[int]
    """The ledger entry that holds it as it was first, or after its last edit."""
    text: Mapped[str]
    """Its text as that entry has it."""
    pinned_by: Mapped[str]
    pinned_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Postmortem(Table):
    """The draft that the ledger wrote."""

    __tablename__ = "postmortems"

    id: Mapped[int] = number()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    markdown: Mapped[str]
    drafted_at: Mapped[datetime]
