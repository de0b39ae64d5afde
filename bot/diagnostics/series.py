"""Series: what is measured over time, kept in the bot's own store for as long as the policy says (`metrics`).

A series is named after its metric and what it is of, joined by a colon: `connections:traitortrack`,
`cpu:app_1`. The metrics are in `diagnostics/metrics.py`. To know what is usual:

    usual = Series(database, policy).usual("connections:traitortrack", now)
    if usual is not None and value > usual.high: …
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.policy import Metrics, Policy
from bot.store.database import Database
from bot.store.tables import Incident, Sample

DAYS = 7
"""So many days before are looked at for what is usual."""
AROUND = timedelta(hours=1)
"""So far to both sides of the same time of day."""
FEWEST_DAYS = 3
"""With fewer days, the last one stands for all, whatever its time of day."""
FEWEST = 20
"""What is known of fewer figures is not called usual."""
UNSETTLED = 15
"""So many measurements before the moment do not count: trouble is often seen only after it has begun."""
LOW, HIGH = 0.05, 0.95
AT_ONCE = 5_000
"""So many figures of a series are put together in one go; the others next time."""
DEFAULT = Metrics(
    every=timedelta(minutes=1), keep_for=timedelta(days=3),
    thin_to=timedelta(minutes=15), keep_thinned_for=timedelta(weeks=5),
)  # fmt: skip
"""For what was kept before the policy stopped measuring."""


@dataclass(frozen=True)
class Point:
    """One figure of a series: the mean of `count` measurements in the `width` from `at` (UTC) on."""

    at: datetime
    value: float
    low: float
    high: float
    count: int = 1
    width: timedelta = DEFAULT.every


@dataclass(frozen=True)
class Usual:
    """What a series usually shows: nine of ten figures were from `low` to `high`, half of them up to `median`.

    Known from `samples` figures. They are in the unit of the metric.
    """

    median: float
    low: float
    high: float
    samples: int

    def holds(self, value: float) -> bool:
        """Whether a figure is within the usual range."""
        return self.low <= value <= self.high


class Series:
    """Keeps series and reads them."""

    def __init__(self, database: Database, policy: Policy) -> None:
        self.database = database
        self.settings = policy.metrics or DEFAULT

    def usual(self, name: str, at: datetime) -> Usual | None:
        """What this series usually shows at this time; None while too little is known to say.

        From the figures around the same time of day on the seven days before, or, where there are fewer than three
        such days yet, of the last day. The minutes just before `at` do not count, nor do times of an incident.
        """
        return self.usual_by_day(name, at) or self.usual_lately(name, at)

    def usual_by_day(self, name: str, at: datetime) -> Usual | None:
        """The part of `usual` that knows of the time of day."""
        days = [at - timedelta(days=day) for day in range(1, DAYS + 1)]
        with self.database.read() as session:
            found = [list(_read(session, name, day - AROUND, day + AROUND)) for day in days]
            if sum(map(bool, found)) < FEWEST_DAYS:
                return None
            troubled = list(_list_troubled(session, days[-1] - AROUND, at))
        return find_usual([one for day in found for one in day if not _is_within(one.at, troubled)])

    def usual_lately(self, name: str, at: datetime) -> Usual | None:
        """The part of `usual` that knows of the last day only."""
        settled = at - UNSETTLED * self.settings.every
        with self.database.read() as session:
            found = list(_read(session, name, at - timedelta(days=1), settled))
            troubled = list(_list_troubled(session, at - timedelta(days=1), at))
        return find_usual([one for one in found if not _is_within(one.at, troubled)])

    def read(self, name: str, since: datetime, until: datetime) -> list[Point]:
        """The figures from `since` up to and without `until`, oldest first; empty where nothing was measured."""
        with self.database.read() as session:
            return list(_read(session, name, since, until))

    def has(self, name: str, since: datetime, until: datetime) -> bool:
        """Whether there is a figure from `since` up to and without `until`."""
        query = sa.select(Sample.at).where(Sample.series == name, Sample.at >= since, Sample.at < until).limit(1)
        with self.database.read() as session:
            return session.scalar(query) is not None

    def list_names(self) -> list[str]:
        """All series of which there is a figure."""
        with self.database.read() as session:
            return list(session.scalars(sa.select(Sample.series).distinct().order_by(Sample.series)))

    def record(
        self, session: Session, at: datetime, values: Mapping[str, float], width: timedelta | None = None
    ) -> None:
        """Keep what was measured at a moment, in the caller's transaction. Raises ValueError for what is no number.

        `width`: the time that it stands for, where that is not the time from one measurement to the next.
        """
        for name, value in values.items():
            if not math.isfinite(value):
                raise ValueError(f"{name} was measured as {value}")
            point = Point(at, value, value, value)
            _keep(session, name, put_together([point], width or self.settings.every)[0])

    def thin(self, now: datetime) -> None:
        """Put old figures together and forget those that are older still. Again changes nothing."""
        settings = self.settings
        old = _floor(now - settings.keep_for, settings.thin_to)
        width_s = int(settings.thin_to.total_seconds())
        with self.database.write() as session:
            session.execute(sa.delete(Sample).where(Sample.at < now - settings.keep_thinned_for))
        for name in self.list_names():
            with self.database.write() as session:
                query = sa.select(Sample).where(Sample.series == name, Sample.at < old, Sample.width_s < width_s)
                rows = list(session.scalars(query.order_by(Sample.at).limit(AT_ONCE)))
                points = [_to_point(one) for one in rows]
                for row in rows:
                    session.delete(row)
                session.flush()
                for point in put_together(points, settings.thin_to):
                    _keep(session, name, point)


def put_together(points: Iterable[Point], width: timedelta) -> list[Point]:
    """One figure for each `width` in which there is one, counted from midnight of 1970, oldest first."""
    ordered = sorted(points, key=lambda one: one.at)
    return [_join(at, width, list(some)) for at, some in groupby(ordered, lambda one: _floor(one.at, width))]


def find_usual(points: Sequence[Point]) -> Usual | None:
    """What these figures say is usual; None where they are too few."""
    samples = sum(one.count for one in points)
    if samples < FEWEST:
        return None
    return Usual(
        median=_quantile([(one.value, one.count) for one in points], 0.5),
        low=_quantile([(one.low, one.count) for one in points], LOW),
        high=_quantile([(one.high, one.count) for one in points], HIGH),
        samples=samples,
    )


def _quantile(weighed: Iterable[tuple[float, int]], share: float) -> float:
    """The lowest value that at least this share of the weight does not exceed."""
    ordered = sorted(weighed)
    wanted, seen = share * sum(weight for _, weight in ordered), 0
    for value, weight in ordered:
        seen += weight
        if seen >= wanted:
            return value
    return ordered[-1][0]


def _join(at: datetime, width: timedelta, points: Sequence[Point]) -> Point:
    count, low, high = sum(one.count for one in points), min(p.low for p in points), max(p.high for p in points)
    mean = math.fsum(one.value * (one.count / count) for one in points)
    return Point(at, min(max(mean, low), high), low, high, count, width)  # sums round: a mean stays within


def _floor(moment: datetime, width: timedelta) -> datetime:
    """The beginning of the stretch of this width that a moment falls in."""
    since = datetime(1970, 1, 1, tzinfo=UTC)
    return moment - (moment - since) % width


def _keep(session: Session, name: str, point: Point) -> None:
    """Beside what there is, or together with what stands for the same time."""
    row = session.get(Sample, (name, point.at))
    if row is None:
        row = Sample(series=name, at=point.at)
        session.add(row)
    else:
        point = _join(point.at, max(point.width, timedelta(seconds=row.width_s)), [_to_point(row), point])
    row.width_s, row.count = int(point.width.total_seconds()), point.count
    row.mean, row.low, row.high = point.value, point.low, point.high


def _read(session: Session, name: str, since: datetime, until: datetime) -> Iterator[Point]:
    columns = (Sample.at, Sample.mean, Sample.low, Sample.high, Sample.count, Sample.width_s)
    query = sa.select(*columns).where(Sample.series == name, Sample.at >= since, Sample.at < until)
    for at, mean, low, high, count, width_s in session.execute(query.order_by(Sample.at)):
        yield Point(at, mean, low, high, count, timedelta(seconds=width_s))


def _to_point(row: Sample) -> Point:
    return Point(row.at, row.mean, row.low, row.high, row.count, timedelta(seconds=row.width_s))


def _list_troubled(session: Session, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The times in between at which an incident was open."""
    query = sa.select(Incident.detected_at, Incident.resolved_at).where(
        Incident.detected_at < until, sa.or_(Incident.resolved_at.is_(None), Incident.resolved_at > since)
    )
    for detected_at, resolved_at in session.execute(query):
        yield detected_at, resolved_at or until


def _is_within(moment: datetime, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(since <= moment < until for since, until in spans)
