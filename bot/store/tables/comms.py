"""What is said, and to whom it got through."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.columns import Document
from bot.store.documents import BulletinStage, Statement
from bot.store.tables.base import Json, Table, number


class Notice(Table):
    """What is to be said. When what it shows changes, `version` rises and the message follows."""

    __tablename__ = "notices"

    id: Mapped[int] = number()
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

    id: Mapped[int] = number()
    notice_id: Mapped[int] = mapped_column(sa.ForeignKey("notices.id"))
    channel: Mapped[str]
    recipient: Mapped[str]
    state: Mapped[str]
    shown_version: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    in_doubt: Mapped[bool] = mapped_column(default=False)
    """An attempt may have reached them although no answer came; what is sent again may reach them twice."""
    receipt: Mapped[Json]
    error: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime]


class ChannelSilence(Table):
    """A stretch in which nothing got through on a channel, from the first attempt that failed to the next success."""

    __tablename__ = "channel_silences"

    id: Mapped[int] = number()
    channel: Mapped[str] = mapped_column(index=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    """When it was said on a channel that works; None while it is too short to be news."""
    incident_id: Mapped[int | None]
    """The incident in whose room it was said, if any."""
    error: Mapped[str]


class Bulletin(Table):
    """One statement about an incident to some audiences, in the fields of the document's Notification Template.

    States: draft (waits for somebody who may publish), published, discarded.
    """

    __tablename__ = "bulletins"

    id: Mapped[int] = number()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    stage: Mapped[BulletinStage] = mapped_column(sa.Text)
    audiences: Mapped[list[str]] = mapped_column(Document(list[str]))
    """Keys of the policy's audiences."""
    statement: Mapped[Statement] = mapped_column(Document(Statement))
    state: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    """Who published or discarded it."""
    decided_at: Mapped[datetime | None]


class UpdateClock(Table):
    """By when an audience must hear of an incident again (document: Stakeholder Updates)."""

    __tablename__ = "update_clocks"

    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), primary_key=True)
    audience: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str]
    """What is due: first, ongoing, resolution; or done."""
    since: Mapped[datetime]
    """When this stretch began: the declaration, the last update, the resolution."""
    due_at: Mapped[datetime]
    turn: Mapped[int] = mapped_column(default=1)
    """Rises whenever it is planned anew; reminders of an earlier turn say nothing."""
    step: Mapped[int] = mapped_column(default=0)
    """Which reminder of this turn is next; one that was said together with another audience's is not said again."""
    snoozed_by: Mapped[str | None]
    snooze_reason: Mapped[str | None]


class ComponentOutage(Table):
    """A stretch in which a component was publicly said to be impaired; what the uptime is made of."""

    __tablename__ = "component_outages"

    id: Mapped[int] = number()
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incidents.id"), index=True)
    component: Mapped[str]
    status: Mapped[str]
    """In Statuspage's words: degraded_performance, partial_outage, major_outage, under_maintenance."""
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
