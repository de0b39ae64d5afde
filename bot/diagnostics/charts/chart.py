"""What a chart shows, complete: drawing it needs nothing else, and neither does describing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from bot.diagnostics.metrics import Unit

MarkKind = Literal["incident", "deploy", "action", "resolved"]
GAP = 2.5
"""So many times its width after a figure without a next one, nothing was measured."""


@dataclass(frozen=True)
class Figure:
    """One figure: the mean from `at` on, for `width_s`. Times in charts are seconds since 1970."""

    at: float
    value: float
    width_s: float = 60.0

    @property
    def middle(self) -> float:
        return self.at + self.width_s / 2


@dataclass(frozen=True)
class Line:
    """One line: the first of a chart is the one that it is about."""

    label: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Band:
    """The usual range from `since` until `until`."""

    since: float
    until: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Mark:
    """Something that happened, and when."""

    at: float
    label: str
    kind: MarkKind


@dataclass(frozen=True)
class Chart:
    """`title` says the finding, `subtitle` what is drawn, `axis` in what.

    `usual` are bands in order that do not overlap. `note`: what must be known to read it rightly.
    """

    title: str
    subtitle: str
    axis: str
    unit: Unit
    since: float
    until: float
    lines: tuple[Line, ...]
    usual: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
    note: str = ""
    alt_text: str = field(default="", compare=False)

    @property
    def main(self) -> tuple[Figure, ...]:
        """What the chart is about."""
        return self.lines[0].figures if self.lines else ()


def find_band(bands: Sequence[Band], at: float) -> Band | None:
    """The usual range at a moment, where it is known."""
    return next((one for one in bands if one.since <= at < one.until), None)


def split_at_gaps(figures: tuple[Figure, ...]) -> list[list[Figure]]:
    """Stretches without a gap, in order."""
    stretches: list[list[Figure]] = []
    for one in figures:
        if stretches and one.at - stretches[-1][-1].at <= GAP * max(one.width_s, stretches[-1][-1].width_s):
            stretches[-1].append(one)
        else:
            stretches.append([one])
    return stretches


def find_gaps(figures: tuple[Figure, ...], until: float) -> list[tuple[float, float]]:
    """From when until when nothing was measured, between the figures and after the last one."""
    stretches = split_at_gaps(figures)
    begins = [*(one[0].at for one in stretches[1:]), until]
    lasts = [one[-1] for one in stretches]
    return [
        (last.at + last.width_s, begin)
        for last, begin in zip(lasts, begins, strict=False)  # without any figure there is nothing between them
        if begin - last.at > GAP * last.width_s
    ]


def show_clock(at: float, *, like: float | None = None) -> str:
    """`10:02`; with the day where that is not the day of `like`."""
    moment = datetime.fromtimestamp(at, UTC)
    same_day = like is None or datetime.fromtimestamp(like, UTC).date() == moment.date()
    return f"{moment:%H:%M}" if same_day else f"{moment.day} {moment:%b %H:%M}"


def show_day(at: float) -> str:
    """`28 Nov 2026`."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%b %Y}"
