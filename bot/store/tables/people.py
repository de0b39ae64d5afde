"""Who is who in Slack."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.tables.base import Table


class SlackUser(Table):
    """What Slack told of a user, so that a press can be authorised without asking again."""

    __tablename__ = "slack_users"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    fetched_at: Mapped[datetime]


class SlackEvent(Table):
    """An event that Slack told us of, so that the same one told again does nothing."""

    __tablename__ = "slack_events"

    event_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
