"""What monitoring told us."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.columns import Document
from bot.store.tables.base import Json, Table, number


class AlertGroup(Table):
    """Alerts that belong together: one card, and at most one incident."""

    __tablename__ = "alert_groups"

    id: Mapped[int] = number()
    key: Mapped[str] = mapped_column(index=True)
    """What its alerts have in common, by the policy's rules."""
    rule: Mapped[str] = mapped_column(default="")
    """Name of the policy's rule that put them together; empty where none fits."""
    title: Mapped[str]
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    """When the last of its alerts was resolved."""
    incident_id: Mapped[int | None] = mapped_column(index=True)
    declared_at: Mapped[datetime | None]
    """When its rule declared the incident, without a person."""
    muted_until: Mapped[datetime | None]
    muted_by: Mapped[str | None]
    turns: Mapped[int] = mapped_column(default=0)
    """How often its card and its incident's timeline were to be brought up to date."""
    waiting_since: Mapped[datetime | None]
    """When the last of these was asked for, while it is still to come."""


class Alert(Table):
    """One alert by its fingerprint, however often it was sent. States: firing, resolved."""

    __tablename__ = "alerts"
    __table_args__ = (sa.UniqueConstraint("source", "fingerprint", "group_id"),)

    id: Mapped[int] = number()
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("alert_groups.id"), index=True)
    source: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    severity: Mapped[str] = mapped_column(default="")
    """In the words of its source."""
    labels: Mapped[dict[str, str]] = mapped_column(Document(dict[str, str]))
    link: Mapped[str] = mapped_column(default="")
    received: Mapped[int] = mapped_column(default=1)
    """How often it was sent."""
    began_at: Mapped[datetime]
    last_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    as_of: Mapped[datetime]
    """The latest moment that its source has told of: deliveries overtake one another."""
    payload: Mapped[Json]
    told: Mapped[str] = mapped_column(default="")
    """The state that the incident's timeline speaks of; empty while it does not speak of it."""
    told_at: Mapped[datetime | None]
    tellings: Mapped[int] = mapped_column(default=0)
    """How often the timeline has spoken of it."""


class Probe(Table):
    """What the built-in prober knows of one application. States: healthy, failing."""

    __tablename__ = "probes"

    application: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    failures: Mapped[int] = mapped_column(default=0)
    """In a row."""
    words: Mapped[str] = mapped_column(default="")
    checked_at: Mapped[datetime]
    changed_at: Mapped[datetime]
