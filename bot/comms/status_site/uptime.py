"""How much of the last 90 days a component was up, from the stretches in which the public was told that it was not.

As at Statuspage, a major outage counts in full, a partial one for 30 %, and degraded performance and maintenance do
not count. Where outages of one component overlap, the worst counts, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

DAYS = 90
WEIGHTS = {"major_outage": 1.0, "partial_outage": 0.3}
ORDER = ("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
"""From good to bad."""


@dataclass(frozen=True)
class Stretch:
    """`status` from `began_at` on, until `ended_at`, or until now where that is None."""

    status: str
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Day:
    """One day in UTC: the worst that was said, and how long each state lasted, in seconds."""

    date: date
    worst: str
    lasted_s: dict[str, float]


@dataclass(frozen=True)
class Uptime:
    """`percent` is cut, not rounded, to two places: 100.00 means that no outage was told of."""

    percent: float
    days: list[Day]


def measure_uptime(stretches: Iterable[Stretch], now: datetime, days: int = DAYS) -> Uptime:
    """The last `days` days in UTC, of which the last one is today, up to `now`."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    since = _midnight(first)
    pieces = list(_list_pieces(list(stretches), since, now))
    span_s = (now - since).total_seconds()
    down_s = math.fsum(_seconds(start, end) * WEIGHTS.get(status, 0.0) for status, start, end in pieces)
    share = min(1.0, max(0.0, 1.0 - down_s / span_s)) if span_s > 0 else 1.0
    dates = [first + timedelta(days=number) for number in range(days)]
    return Uptime(_cut_percent(share), [_describe_day(one, pieces) for one in dates])


def worst_of(states: Iterable[str]) -> str:
    """The worst of several states; operational where there is none."""
    return max(states, key=_rank, default=ORDER[0])


def _list_pieces(
    stretches: Sequence[Stretch], since: datetime, now: datetime
) -> Iterator[tuple[str, datetime, datetime]]:
    """What was said from one change to the next, each time the worst of what overlaps; in order, never overlapping."""
    clipped = [(one.status, max(one.began_at, since), min(one.ended_at or now, now)) for one in stretches]
    real = [one for one in clipped if one[1] < one[2]]
    moments = sorted({moment for _, start, end in real for moment in (start, end)})
    for start, end in pairwise(moments):
        held = [status for status, began, ended in real if began <= start and end <= ended]
        if held:
            yield worst_of(held), start, end


def _describe_day(day: date, pieces: Sequence[tuple[str, datetime, datetime]]) -> Day:
    start, end = _midnight(day), _midnight(day + timedelta(days=1))
    lasted_s: dict[str, float] = {}
    for status, began, ended in pieces:
        inside_s = _seconds(max(start, began), min(end, ended))
        if inside_s > 0:
            lasted_s[status] = lasted_s.get(status, 0.0) + inside_s
    return Day(day, worst_of(lasted_s), lasted_s)


def _rank(state: str) -> int:
    return ORDER.index(state) if state in ORDER else 0


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _cut_percent(share: float) -> float:
    """Two places; the tiny addition keeps 99.93 from becoming 99.92 in binary, and cannot make up for an outage."""
    return math.floor(share * 10_000 + 1e-7) / 100
