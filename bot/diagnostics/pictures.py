"""Pictures: charts where they help. By themselves when an incident begins, and again at its end; and when asked for.

At most three by themselves, the most telling first, and only of series that have clearly left their usual range. A
picture and the message that brings it are committed together; drawing has no other effect, so it may be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices, incident_room
from bot.diagnostics.charts.chart import Mark
from bot.diagnostics.charts.rendering import render
from bot.diagnostics.concerned import list_concerned
from bot.diagnostics.metrics import METRICS, Metric, split_name
from bot.diagnostics.sketches import Sketch, Sketches, list_marks
from bot.diagnostics.subjects import SPANS_S, find_series, list_series, list_subjects
from bot.diagnostics.telling import belongs, span_of, without_likes
from bot.incidents.desk import Change
from bot.incidents.reading import find_visible
from bot.outcome import Failed, Refused
from bot.policy import Person, Policy
from bot.store.database import Database
from bot.store.tables import ChartPicture, Incident, Sweep

ASKED, INCIDENT = "draw-chart", "draw-incident-charts"
MOST = 3
HELD = timedelta(minutes=30)
"""What left its usual range earlier than this before an incident has nothing to do with it."""
FOLLOW_AFTER = 3
"""So many measurements after the declaration it is looked again: trouble may be too young to be seen."""
FRESH = timedelta(minutes=1)
"""So long a picture is as good as a new one: nothing is measured more often."""
DRAWN_WITHIN = timedelta(minutes=2)
"""What is not drawn by then keeps nobody from asking again."""
FETCHED = 4
"""So many of CloudWatch's series are looked at after a diagnosis."""
KEEP_ASKED = timedelta(days=7)


class Pictures:
    """Chooses, draws, keeps and posts charts."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, sketches: Sketches,
        find_deploys: Callable[[], Sequence[Mark]] = list,
    ) -> None:  # fmt: skip
        """`find_deploys`: what was deployed when; it may take some seconds."""
        self.database, self.policy, self.notices, self.sketches = database, policy, notices, sketches
        self.clock, self.find_deploys = notices.clock, find_deploys

    def ask(self, person: Person, words: str, span: str, place: str, incident: Incident | None) -> ChartPicture:
        """Have a chart drawn, which appears at `place`; what was drawn within the last minute is shown again.

        Raises `Refused` for what is not measured, and while another one is being drawn for the same person.
        """
        metric, subject = self._choose(words, SPANS_S[span], incident)
        row = ChartPicture(
            incident_id=incident.id if incident else None, occasion="asked", series=f"{metric.key}:{subject}",
            span_s=SPANS_S[span], requested_by=person.key, place=place, asked_at=self.clock(), title="", subtitle="",
            alt_text="", left_out="",
        )  # fmt: skip
        with self.database.write() as session:
            self._refuse_second(session, person)
            if (drawn := self._find_same(session, row)) is not None:
                if drawn.place != place:
                    self._say(session, drawn, place)
                return drawn
            session.add(row)
            session.flush()
            self.notices.engine.enqueue(session, ASKED, row.id, key=f"{ASKED}-{row.id}")
        return row

    def draw_asked(self, chart_id: int) -> None:
        """The workflow: draw it, keep it and post it."""
        with self.database.read() as session:
            row = session.get(ChartPicture, chart_id)
        if row is None or row.title:
            return
        key, subject = split_name(row.series)
        incident, deploys = self._meant(row.incident_id), self.find_deploys()
        sketch = self._sketch(METRICS[key], subject, row.asked_at, row.span_s, incident, deploys)
        ((picture, left_out),) = draw([sketch])
        with self.database.write() as session:
            row = session.get_one(ChartPicture, chart_id)
            row.title, row.subtitle, row.alt_text = sketch.chart.title, sketch.chart.subtitle, sketch.chart.alt_text
            row.picture, row.left_out = picture, left_out
            self._say(session, row)
            forgotten = sa.delete(ChartPicture).where(ChartPicture.occasion == "asked")
            session.execute(forgotten.where(ChartPicture.asked_at < self.clock() - KEEP_ASKED))

    def sketch_now(self, words: str, span: str, incident: Incident | None) -> Sketch:
        """A chart for whoever waits for it, not drawn yet. Raises `Refused` for what is not measured."""
        metric, subject = self._choose(words, SPANS_S[span], incident)
        return self._sketch(metric, subject, self.clock(), SPANS_S[span], incident, self.find_deploys())

    def changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The desk's listener: at the declaration, and once more soon after."""
        if change == "declared" and self.policy.metrics:
            again_s = FOLLOW_AFTER * self.policy.metrics.every.total_seconds()
            for occasion, delay_s in (("declared", 0.0), ("followed", again_s)):
                self._enqueue(session, incident.id, occasion, delay_s=delay_s)

    def diagnosed(self, session: Session, sweep: Sweep) -> None:
        """The sweeps' listener: an incident was diagnosed."""
        if sweep.incident_id and self.policy.metrics:
            self._enqueue(session, sweep.incident_id, "diagnosed", suffix=f"-{sweep.id}")

    def draw_for_incident(self, incident_id: int, occasion: str) -> None:
        """The workflow: what clearly left its usual range and was not shown yet, up to three in all."""
        with self.database.read() as session:
            incident = session.get_one(Incident, incident_id)
            shown = {one.series for one in _read_shown(session, incident_id)}
        if not incident.is_open or len(shown) >= MOST or self.policy.metrics is None:
            return
        found = [one.series for one in self._find_telling(incident, self.clock())]
        if occasion == "diagnosed":
            found += self._find_in_cloud(incident, self.clock())
        chosen = [one for one in found if one not in shown][: MOST - len(shown)]
        self._keep(incident, occasion, chosen)

    def draw_resolution(self, incident_id: int) -> None:
        """The same series again, now with the end; what left its usual range where none was shown. Once."""
        with self.database.read() as session:
            incident = session.get_one(Incident, incident_id)
            shown = list(_read_shown(session, incident_id))
            last = sa.select(ChartPicture.id).where(
                ChartPicture.incident_id == incident_id, ChartPicture.occasion == "resolved",
                ChartPicture.asked_at >= incident.resolved_at,
            )  # fmt: skip
            done = session.scalar(last.limit(1)) is not None
        if done or incident.resolved_at is None or self.policy.metrics is None:
            return
        now = self.clock()
        if shown:
            chosen = [one.series for one in shown]
        else:
            chosen = [one.series for one in self._find_telling(incident, now)[:MOST]]
        self._keep(incident, "resolved", chosen)

    def list_final(self, session: Session, incident_id: int) -> list[ChartPicture]:
        """The charts that tell the whole incident: those drawn at its last resolution."""
        query = sa.select(ChartPicture).where(ChartPicture.incident_id == incident_id)
        rows = list(session.scalars(query.where(ChartPicture.occasion == "resolved").order_by(ChartPicture.id)))
        return list({one.series: one for one in rows}.values())

    def _choose(self, words: str, span_s: int, incident: Incident | None) -> tuple[Metric, str]:
        """What is meant; of several things that have it, the one where it is farthest from what is usual."""
        series = find_series(self.policy, words)
        if self.policy.metrics is None and not series[0][0].cloudwatch:
            raise Refused("Nothing is measured.", "Set `metrics` in the policy; from then on there are charts of it.")
        if len(series) == 1 or series[0][0].cloudwatch:  # to compare those, all would have to be fetched
            return series[0]
        sketches = [self._sketch(metric, subject, self.clock(), span_s, incident) for metric, subject in series]
        best = max(sketches, key=lambda one: (one.beyond, bool(one.chart.main)))
        return best.metric, best.subject

    def _sketch(
        self, metric: Metric, subject: str, until: datetime, span_s: int, incident: Incident | None,
        deploys: Sequence[Mark] = (),
    ) -> Sketch:  # fmt: skip
        """With the incident's marks; elsewhere with those of all that everybody may know of."""
        since = until - timedelta(seconds=span_s)
        with self.database.read() as session:
            incidents = [incident] if incident else list(_list_public(session, since, until))
            marks = [*list_marks(session, incidents), *deploys]
        calm = incident.detected_at if incident and since < incident.detected_at < until else None
        return self.sketches.sketch(metric, subject, since, until, marks, calm)

    def _sketch_incident(
        self, metric: Metric, subject: str, incident: Incident, now: datetime, marks: Sequence[Mark] = ()
    ) -> Sketch:
        since, until = span_of(incident, now)
        return self.sketches.sketch(metric, subject, since, until, marks, incident.detected_at)

    def _find_telling(self, incident: Incident, now: datetime) -> list[Sketch]:
        """What left its usual range around this incident, or went silent; the farthest first, one of a metric."""
        span = span_of(incident, now)
        sketches = [
            self._sketch_incident(metric, subject, incident, now)
            for metric, subject in list_series(self.policy)
            if belongs(self.policy, metric, subject, incident) and self.sketches.is_measured(metric, subject, *span)
        ]
        earliest = (incident.detected_at - HELD).timestamp()
        telling = [one for one in sketches if one.last_told >= earliest]
        telling.sort(key=lambda one: -one.beyond)
        return list(without_likes(telling))

    def _find_in_cloud(self, incident: Incident, now: datetime) -> list[str]:
        """What CloudWatch has and the last diagnosis points at, where it has left its usual range; few are fetched.

        Where CloudWatch does not answer nothing more is asked of it: others tell that, and nobody waits for a picture.
        """
        last = sa.select(Sweep).where(Sweep.incident_id == incident.id, Sweep.finished_at.is_not(None))
        with self.database.read() as session:
            sweep = session.scalar(last.order_by(Sweep.id.desc()).limit(1))
        earliest = (incident.detected_at - HELD).timestamp()
        found: list[Sketch] = []
        for metric in list_concerned(sweep.findings if sweep else [])[:FETCHED]:
            sketch = self._sketch_incident(metric, next(iter(list_subjects(self.policy, metric))), incident, now)
            if sketch.chart.note:
                break
            found += [sketch] if sketch.last_told >= earliest else []
        return [one.series for one in sorted(found, key=lambda one: -one.beyond)]

    def _keep(self, incident: Incident, occasion: str, series: Sequence[str]) -> None:
        """Draw these, with the deploys that are only looked up now, and post them."""
        if not series:
            return
        now, marks = self.clock(), [*self.find_deploys()]
        with self.database.read() as session:
            marks += list_marks(session, [incident])
        parts = [split_name(one) for one in series]
        sketches = [self._sketch_incident(METRICS[key], subject, incident, now, marks) for key, subject in parts]
        drawn = draw(sketches)
        with self.database.write() as session:
            shown = {one.series for one in _read_shown(session, incident.id)}
            for sketch, (picture, left_out) in zip(sketches, drawn, strict=True):
                if occasion != "resolved" and sketch.series in shown:
                    continue
                row = ChartPicture(
                    incident_id=incident.id, occasion=occasion, series=sketch.series,
                    span_s=int(sketch.chart.until - sketch.chart.since), requested_by="holdfast",
                    place=incident_room(incident.id), asked_at=self.clock(), title=sketch.chart.title,
                    subtitle=sketch.chart.subtitle, alt_text=sketch.chart.alt_text, picture=picture, left_out=left_out,
                )  # fmt: skip
                session.add(row)
                session.flush()
                self._say(session, row)

    def _find_same(self, session: Session, row: ChartPicture) -> ChartPicture | None:
        """The same picture, for the same incident or for none, drawn just now."""
        query = sa.select(ChartPicture).where(
            ChartPicture.occasion == "asked", ChartPicture.title != "", ChartPicture.series == row.series,
            ChartPicture.span_s == row.span_s, ChartPicture.incident_id.is_not_distinct_from(row.incident_id),
            ChartPicture.asked_at > self.clock() - FRESH,
        )  # fmt: skip
        return session.scalar(query.order_by(ChartPicture.id.desc()).limit(1))

    def _refuse_second(self, session: Session, person: Person) -> None:
        """One at a time for each person: they are drawn one after the other, for everybody."""
        query = sa.select(ChartPicture.series).where(
            ChartPicture.occasion == "asked", ChartPicture.title == "", ChartPicture.requested_by == person.key,
            ChartPicture.asked_at > self.clock() - DRAWN_WITHIN,
        )  # fmt: skip
        if (series := session.scalar(query.limit(1))) is not None:
            title = METRICS[split_name(series)[0]].title
            raise Refused(f"A chart is being drawn for you already: {title}.", "Ask again when it is there.")

    def _say(self, session: Session, row: ChartPicture, elsewhere: str = "") -> None:
        key = f"chart:{row.id}:{elsewhere}" if elsewhere else f"chart:{row.id}"
        self.notices.say(
            session, "chart", key=key, to=[elsewhere or row.place], incident_id=row.incident_id, subject_id=row.id
        )

    def _enqueue(
        self, session: Session, incident_id: int, occasion: str, *, suffix: str = "", delay_s: float = 0.0
    ) -> None:
        key = f"{INCIDENT}-{incident_id}-{occasion}{suffix}"
        self.notices.engine.enqueue(session, INCIDENT, incident_id, occasion, key=key, delay_s=delay_s)

    def _meant(self, incident_id: int | None) -> Incident | None:
        if incident_id is None:
            return None
        with self.database.read() as session:
            return find_visible(session, incident_id, None)


def draw(sketches: Sequence[Sketch]) -> list[tuple[bytes | None, str]]:
    """Each as a picture; where they cannot be drawn, why: the words are worth having without it."""
    try:
        return [(picture, "") for picture in render([one.chart for one in sketches])]
    except (Refused, Failed) as trouble:
        return [(None, trouble.words)] * len(sketches)


def _read_shown(session: Session, incident_id: int) -> Iterator[ChartPicture]:
    """What was drawn by itself while the incident was open."""
    query = sa.select(ChartPicture).where(ChartPicture.incident_id == incident_id)
    yield from session.scalars(
        query.where(ChartPicture.occasion.in_(("declared", "followed", "diagnosed"))).order_by(ChartPicture.id)
    )


def _list_public(session: Session, since: datetime, until: datetime) -> Iterator[Incident]:
    query = sa.select(Incident).where(
        Incident.private.is_(False), Incident.detected_at <= until, Incident.merged_into_id.is_(None),
        sa.or_(Incident.resolved_at.is_(None), Incident.resolved_at >= since),
    )  # fmt: skip
    yield from session.scalars(query.order_by(Incident.id))
