"""What was asked of the real systems."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.columns import Document
from bot.store.documents import Finding, SweepStory
from bot.store.tables.base import Table, number


class Sweep(Table):
    """One round of checks and its findings."""

    __tablename__ = "sweeps"

    id: Mapped[int] = number()
    incident_id: Mapped[int | None] = mapped_column(index=True)
    scope: Mapped[str]
    requested_by: Mapped[str]
    place: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    findings: Mapped[list[Finding]] = mapped_column(Document(list[Finding]))
    story: Mapped[SweepStory] = mapped_column(Document(SweepStory), default=SweepStory)
