"""What was asked of the real systems."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.columns import Document
from bot.store.documents import Finding, SweepStory
from bot.store.tables.base import Json, Table, number


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


class Sample(Table):
    """A figure of a series: one measurement, or several that were put together."""

    __tablename__ = "samples"

    series: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    """Beginning of the time that it stands for."""
    width_s: Mapped[int]
    """Length of that time."""
    mean: Mapped[float] = mapped_column(sa.Double)
    low: Mapped[float] = mapped_column(sa.Double)
    high: Mapped[float] = mapped_column(sa.Double)
    count: Mapped[int]
    """How many measurements it is of."""


class Meter(Table):
    """Something that is measured again and again: how that went last, and what must be known for the next time."""

    __tablename__ = "meters"

    key: Mapped[str] = mapped_column(primary_key=True)
    measured_at: Mapped[datetime]
    """The time slot that was last measured."""
    trouble: Mapped[str] = mapped_column(default="")
    """Why nothing could be measured then, in words; empty where something was."""
    since: Mapped[datetime]
    """Since when it has been so, or well."""
    kept: Mapped[Json] = mapped_column(default=dict)
    """What the next measurement is compared with: a counter, the end of a log."""


class ChartPicture(Table):
    """A chart that was drawn, or is to be."""

    __tablename__ = "charts"

    id: Mapped[int] = number()
    incident_id: Mapped[int | None] = mapped_column(index=True)
    occasion: Mapped[str]
    """asked, or why it was drawn by itself: declared, followed, diagnosed, resolved."""
    series: Mapped[str]
    span_s: Mapped[int]
    """How much of the past it shows."""
    requested_by: Mapped[str]
    place: Mapped[str]
    asked_at: Mapped[datetime]
    title: Mapped[str] = mapped_column(default="")
    """The finding; empty until it is drawn."""
    subtitle: Mapped[str] = mapped_column(default="")
    """What is drawn."""
    alt_text: Mapped[str] = mapped_column(default="")
    picture: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    """PNG; None where it was left out."""
    left_out: Mapped[str] = mapped_column(default="")
    """Why there is no picture, in words."""
