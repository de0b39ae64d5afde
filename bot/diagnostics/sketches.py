"""Sketches: charts of what was measured, with what is usual and what happened meanwhile; not drawn yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.diagnostics.charts.build import build_chart
from bot.diagnostics.charts.chart import Band, Chart, Figure, Line, Mark, MarkKind, find_gaps
from bot.diagnostics.charts.findings import Stretch
from bot.diagnostics.cloud_series import read_cloud
from bot.diagnostics.metrics import METRICS, Metric, series_name
from bot.diagnostics.sampling import Sampler
from bot.diagnostics.series import Point, Series, Usual, find_usual
from bot.diagnostics.subjects import list_subjects
from bot.incidents.reading import list_same
from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.store.tables import Incident, Plan, Run

HOUR, DAY, SETTLING = timedelta(hours=1), timedelta(days=1), timedelta(minutes=15)
SILENCE, TELLING_OF_SILENCE = 20.0, ("connections", "error_lines")
"""A system that does not answer is as telling as a figure so far outside."""
DEPLOYS = ("deploy", "roll_back_code")
"""How the names of actions begin that change which code runs."""
MEASURED_BY = {"error_lines": "log", "load": "host", "memory_used": "host", "disk_used": "host"}
"""The meter of a host's metric; databases have one meter each."""


@dataclass(frozen=True)
class Sketch:
    """A chart, and when it was clearly not as usual."""

    metric: Metric
    subject: str
    chart: Chart
    stretch: Stretch | None

    @property
    def last_told(self) -> float:
        """When it was last seen to be not as usual, in seconds since 1970; 0 where it never was."""
        return self.chart.until if self.is_silent else self.stretch.until if self.stretch else 0.0

    @property
    def beyond(self) -> float:
        """How telling it is."""
        return max(self.stretch.beyond if self.stretch else 0.0, SILENCE if self.is_silent else 0.0)

    @property
    def is_silent(self) -> bool:
        """Whether a system has stopped answering, and why is known; told by one of its metrics."""
        gaps = find_gaps(self.chart.main, self.chart.until)
        ends = bool(gaps) and gaps[-1][1] == self.chart.until
        return ends and bool(self.chart.note) and self.metric.key in TELLING_OF_SILENCE

    @property
    def series(self) -> str:
        return series_name(self.metric.key, self.subject)


class Sketches:
    """Makes charts out of series."""

    def __init__(self, series: Series, sampler: Sampler, policy: Policy) -> None:
        self.series, self.sampler, self.policy = series, sampler, policy

    def sketch(
        self, metric: Metric, subject: str, since: datetime, until: datetime, marks: Sequence[Mark],
        calm: datetime | None = None,
    ) -> Sketch:  # fmt: skip
        """The chart of a series. `calm`: up to when nothing was wrong yet, where that is known."""
        if metric.cloudwatch:
            return self._sketch_cloud(metric, subject, since, until, marks, calm or since)
        name = series_name(metric.key, subject)
        points = self.series.read(name, since, until)
        since = self._begin(name, since, until, points)
        lines = [Line(metric.figure if metric.beside else "", _to_figures(points))]
        for key in metric.beside:
            beside = self.series.read(series_name(key, subject), since, until)
            lines.append(Line(METRICS[key].title.lower(), _to_figures(beside)))
        bands = self._find_bands(name, since, until, calm or since)
        title = list_subjects(self.policy, metric).get(subject, subject)
        note = self._find_trouble(metric, subject)
        chart, stretch = build_chart(
            metric, title, lines, bands, marks, since.timestamp(), until.timestamp(), note
        )  # fmt: skip
        return Sketch(metric, subject, chart, stretch)

    def is_measured(self, metric: Metric, subject: str, since: datetime, until: datetime) -> bool:
        """Whether there is any figure of that time."""
        return self.series.has(series_name(metric.key, subject), since, until)

    def _sketch_cloud(
        self, metric: Metric, subject: str, since: datetime, until: datetime, marks: Sequence[Mark], calm: datetime
    ) -> Sketch:
        """What CloudWatch has of the time, and of the day before as what is usual."""
        points, usual, note = [], None, ""
        try:
            points = read_cloud(self.policy, metric, subject, since, until)
            usual = find_usual(read_cloud(self.policy, metric, subject, calm - DAY, calm - SETTLING))
        except (Refused, Failed) as trouble:
            note = trouble.reason
        bands = [_to_band(since - HOUR, until + HOUR, usual)] if usual else []
        title = list_subjects(self.policy, metric).get(subject, subject)
        chart, stretch = build_chart(
            metric, title, [Line("", _to_figures(points))], bands, marks, since.timestamp(), until.timestamp(), note
        )  # fmt: skip
        return Sketch(metric, subject, chart, stretch)

    def _begin(self, name: str, since: datetime, until: datetime, points: Sequence[Point]) -> datetime:
        """Where nothing was measured before, the chart begins with the first figure: an empty half says nothing."""
        if not points or points[0].at - since < (until - since) / 4:
            return since
        earlier = self.series.read(name, since - 24 * HOUR, since)
        return since if earlier else max(since, points[0].at - 2 * points[0].width)

    def _find_bands(self, name: str, since: datetime, until: datetime, calm: datetime) -> list[Band]:
        """Hour by hour where days before are known; else what was usual lately, for the whole time."""
        first = since.replace(minute=0, second=0, microsecond=0)
        hours = [first + index * HOUR for index in range(int((until - first) / HOUR) + 1)]
        known = [(hour, self.series.usual_by_day(name, hour + HOUR / 2)) for hour in hours]
        if any(usual for _, usual in known):
            return [_to_band(hour, hour + HOUR, usual) for hour, usual in known if usual]
        lately = self.series.usual_lately(name, calm) or self.series.usual_lately(name, until)
        return [_to_band(since - HOUR, until + HOUR, lately)] if lately else []

    def _find_trouble(self, metric: Metric, subject: str) -> str:
        """Why nothing is measured at present."""
        if metric.of == "database":
            meter = f"database:{subject.partition('.')[0]}"
        else:
            meter = f"{MEASURED_BY.get(metric.key, 'prober')}:{subject}"
        return self.sampler.troubles().get(meter, "")


def list_marks(session: Session, incidents: Sequence[Incident]) -> list[Mark]:
    """What happened: incidents beginning and ending, and the runs that belong to them."""
    marks: list[Mark] = []
    for incident in incidents:
        marks.append(Mark(incident.detected_at.timestamp(), f"Incident #{incident.id}", "incident"))
        if incident.resolved_at:
            marks.append(Mark(incident.resolved_at.timestamp(), f"#{incident.id} resolved", "resolved"))
    numbers = [number for incident in incidents for number in list_same(session, incident.id)]
    query = sa.select(Run, Plan).join(Plan, Plan.id == Run.plan_id).where(Run.incident_id.in_(numbers))
    for run, plan in session.execute(query.where(Run.started_at.is_not(None)).order_by(Run.id)):
        title = plan.document.title if plan.document else run.action
        assert run.started_at is not None  # asked for
        kind: MarkKind = "deploy" if run.action.startswith(DEPLOYS) else "action"
        marks.append(Mark(run.started_at.timestamp(), f"Run {run.id}: {title}", kind))
    return marks


def _to_figures(points: Sequence[Point]) -> tuple[Figure, ...]:
    return tuple(Figure(one.at.timestamp(), one.value, one.width.total_seconds()) for one in points)


def _to_band(since: datetime, until: datetime, usual: Usual) -> Band:
    return Band(since.astimezone(UTC).timestamp(), until.timestamp(), usual.median, usual.low, usual.high)
