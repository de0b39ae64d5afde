"""What is said, and to whom it got through."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

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
    receipt: Mapped[Json]
    error: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime]
