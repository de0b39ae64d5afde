"""Pictures: which charts are drawn by themselves, when, for whom, and what is said where none can be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
import sqlalchemy as sa
from moto import mock_aws

from bot.comms.notices import Notices, incident_room
from bot.diagnostics import deploys
from bot.diagnostics import pictures as pictures_room
from bot.diagnostics.charts.chart import Mark
from bot.diagnostics.charts.drawing import draw
from bot.diagnostics.charts.rendering import ChartsMissing
from bot.diagnostics.metrics import METRICS
from bot.diagnostics.pictures import ASKED, INCIDENT, MOST, Pictures
from bot.diagnostics.sampling import Sampler
from bot.diagnostics.series import Series
from bot.diagnostics.sketches import Sketches, list_marks
from bot.diagnostics.subjects import find_series, list_series, read_request
from bot.diagnostics.telling import belongs
from bot.engine import Engine
from bot.incidents.desk import Desk
from bot.outcome import Refused
from bot.policy import Person, Policy, load_policy
from bot.store.database import Database
from bot.store.documents import Finding
from bot.store.tables import ChartPicture, Delivery, Incident, Meter, Notice, Sweep
from bot.systems.hosts.releases import Deploy
from tests.integration.store.stores import empty_store, open_store
from tests.unit.alerts.conftest import HandQueue
from tests.unit.incidents.conftest import HandClock
from tests.unit.slack import rows

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

SHIPPED = load_policy(None)
CALM = {
    "health_latency:traitortrack": 0.05, "health_failures:traitortrack": 0.0, "connections:traitortrack": 20.0,
    "transactions:traitortrack": 90.0, "rows:traitortrack.bag": 5000.0, "error_lines:app_1": 0.0,
    "error_lines:app_2": 0.0, "longest_query:traitortrack": 0.2,
}  # fmt: skip


@dataclass
class Here:
    database: Database
    policy: Policy
    clock: HandClock
    queue: HandQueue
    desk: Desk
    pictures: Pictures
    series: Series

    def measure(self, minutes: int, **changed: float) -> None:
        """A figure a minute of everything; `changed` by metric."""
        values = {name: changed.get(name.partition(":")[0], value) for name, value in CALM.items()}
        with self.database.write() as session:
            for _ in range(minutes):
                self.series.record(session, self.clock(), values)
                self.clock.turn(minutes=1)

    def declare(self, **facts: object) -> Incident:
        return self.desk.declare(actor="mei", severity="P1", title="Bags are gone", **facts)  # type: ignore[arg-type]

    def charts(self) -> list[ChartPicture]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(ChartPicture).order_by(ChartPicture.id)))

    def told(self) -> list[tuple[int | None, str]]:
        """Charts that were said, each with where to."""
        query = sa.select(Notice.subject_id, Delivery.recipient).join(Delivery, Delivery.notice_id == Notice.id)
        with self.database.read() as session:
            found = session.execute(query.where(Notice.kind == "chart").order_by(Delivery.id))
            return [(subject, recipient) for subject, recipient in found]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('pictures') / 'holdfast.db'}") as database:
        yield database


@pytest.fixture
def here(database: Database, monkeypatch: pytest.MonkeyPatch) -> Here:
    """An hour of calm behind us. Drawn here, and not in a process of its own, which has its own test."""
    monkeypatch.setattr(pictures_room, "render", lambda charts: [draw(one) for one in charts])
    empty_store(database)
    here = start(database, SHIPPED)
    here.measure(60)
    return here


def start(database: Database, policy: Policy) -> Here:
    clock = HandClock()
    queue, series = HandQueue(clock), Series(database, policy)
    engine = cast(Engine, queue)
    sampler = Sampler(database, engine, policy, series, {}, clock)
    pictures = Pictures(database, policy, Notices(engine, clock), Sketches(series, sampler, policy))
    queue.workflows = {ASKED: pictures.draw_asked, INCIDENT: pictures.draw_for_incident}
    desk = Desk(database, policy, clock)
    desk.listeners.append(pictures.changed)
    return Here(database, policy, clock, queue, desk, pictures, series)


def person(key: str) -> Person:
    found = SHIPPED.person(key)
    assert found
    return found


def mei() -> Person:
    return person("mei")


def test_what_left_its_usual_range_is_shown_at_the_declaration(here: Here) -> None:
    here.measure(6, rows=900.0)
    incident = here.declare()
    here.queue.work()
    (chart,) = here.charts()
    assert (chart.series, chart.occasion) == ("rows:traitortrack.bag", "declared")
    assert chart.title == "Rows: fewer since 13:00"
    assert "Marks: 13:06 Incident #1." in chart.alt_text
    assert chart.picture
    assert here.told() == [(chart.id, incident_room(incident.id))]


def test_nothing_is_shown_where_all_is_as_usual(here: Here) -> None:
    here.declare()
    here.queue.work()
    here.measure(5)
    here.queue.work()
    assert here.charts() == []


def test_a_system_that_went_silent_is_shown_with_the_reason(here: Here) -> None:
    with here.database.write() as session:
        facts = {"measured_at": here.clock(), "since": here.clock(), "kept": {}}
        session.add(Meter(key="database:traitortrack", trouble="Connection refused.", **facts))
    here.clock.turn(minutes=5)
    here.declare()
    here.queue.work()
    (chart,) = here.charts()
    assert chart.title == "Connections: not measured since 13:00"
    assert "Connection refused." in chart.alt_text


def test_three_at_most_the_most_telling_first(here: Here) -> None:
    trouble = {
        "health_latency": 4.0,
        "health_failures": 100.0,
        "connections": 300.0,
        "rows": 10.0,
        "error_lines": 900.0,
    }
    here.measure(6, **trouble)
    incident = here.declare()
    here.queue.work()
    found = here.charts()
    assert len(found) == MOST
    assert found[0].series == "error_lines:app_1"
    assert len({one.series.partition(":")[0] for one in found}) == MOST, "one of each metric"
    here.measure(4, **trouble)
    here.queue.work()
    here.pictures.draw_for_incident(incident.id, "diagnosed")
    assert len(here.charts()) == MOST


def test_what_shows_only_later_is_looked_for_again(here: Here) -> None:
    here.declare()
    here.queue.work()
    assert here.charts() == []
    here.measure(4, health_latency=3.0)
    here.queue.work()
    (chart,) = here.charts()
    assert (chart.occasion, chart.title) == ("followed", "Health endpoint: slower since 13:00")


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudWatchClient]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("cloudwatch", region_name=SHIPPED.infrastructure.regions.primary)


def test_what_a_diagnosis_points_at_is_fetched_from_cloudwatch(here: Here, cloudwatch: CloudWatchClient) -> None:
    """The processors left their usual range, the connections did not; storage nobody pointed at."""
    now, minute = here.clock(), timedelta(minutes=1)
    usual = {now - timedelta(hours=20) + index * 10 * minute: 20.0 for index in range(100)}
    busy, calm = ({now - index * minute: value for index in range(1, 20)} for value in (95.0, 20.0))
    for name, figures in (("CPUUtilization", busy), ("DatabaseConnections", calm), ("FreeStorageSpace", busy)):
        put(cloudwatch, name, usual | figures)
    incident = here.declare()
    here.queue.work()
    look(
        here, incident, Finding(check="infrastructure_rds_instance", title="RDS", state="warning", summary="It is ill.")
    )
    here.pictures.draw_for_incident(incident.id, "diagnosed")
    (chart,) = here.charts()
    assert chart.series == f"rds_cpu:{SHIPPED.infrastructure.rds.instance}"
    assert chart.title.startswith("RDS processors: busier since ")


def test_nothing_is_fetched_for_what_is_good(here: Here, cloudwatch: CloudWatchClient) -> None:
    put(cloudwatch, "CPUUtilization", {here.clock() - timedelta(minutes=index): 20.0 + index for index in range(60)})
    incident = here.declare()
    here.queue.work()
    look(here, incident, Finding(check="infrastructure_rds_instance", title="RDS", state="ok", summary="Well."))
    here.pictures.draw_for_incident(incident.id, "diagnosed")
    assert here.charts() == []


def put(cloudwatch: CloudWatchClient, name: str, figures: dict[datetime, float]) -> None:
    of = [{"Name": "DBInstanceIdentifier", "Value": SHIPPED.infrastructure.rds.instance}]
    data: Any = [
        {"MetricName": name, "Dimensions": of, "Timestamp": at, "Value": value} for at, value in figures.items()
    ]
    cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=data)


def look(here: Here, incident: Incident, finding: Finding) -> None:
    """A diagnosis that has ended with this."""
    sweep = Sweep(incident_id=incident.id, scope="all", requested_by="mei", place="p", started_at=here.clock(),
                  finished_at=here.clock(), findings=[finding])  # fmt: skip
    with here.database.write() as session:
        session.add(sweep)


def test_drawing_again_shows_nothing_twice(here: Here) -> None:
    here.measure(6, rows=900.0)
    incident = here.declare()
    for _ in range(3):
        here.pictures.draw_for_incident(incident.id, "declared")
    assert len(here.charts()) == 1


def test_at_the_end_the_same_is_drawn_with_the_end_once(here: Here) -> None:
    here.measure(6, rows=900.0)
    incident = here.declare()
    here.queue.work()
    here.measure(20)
    here.desk.resolve(incident.id, actor="mei")
    here.clock.turn(seconds=5)
    for _ in range(2):
        here.pictures.draw_resolution(incident.id)
    first, last = here.charts()
    assert (first.series, last.series, last.occasion) == (first.series, first.series, "resolved")
    assert last.title == "Rows: fewer 13:00 to 13:06"
    assert "#1 resolved" in last.alt_text
    with here.database.read() as session:
        assert [one.id for one in here.pictures.list_final(session, incident.id)] == [last.id]


def test_a_private_incident_shows_its_charts_in_its_room_alone(here: Here) -> None:
    here.measure(6, rows=900.0)
    incident = here.declare(private=True)
    here.queue.work()
    here.pictures.ask(mei(), "rows", "1h", "channel:C1", incident)
    here.queue.work()
    assert {place for _, place in here.told()} == {incident_room(incident.id)}
    here.pictures.ask(mei(), "rows", "1h", "channel:C1", None)
    here.queue.work()
    asked = here.charts()[-1]
    assert here.told()[-1] == (asked.id, "channel:C1")
    assert "Incident" not in asked.alt_text, "elsewhere nobody learns of it"


def test_a_chart_is_drawn_when_it_is_asked_for(here: Here) -> None:
    row = here.pictures.ask(mei(), "Health-Latency", "6h", "channel:C1", None)
    here.queue.work()
    here.pictures.draw_asked(row.id)
    (chart,) = here.charts()
    assert chart.title == "Health endpoint: as usual"
    assert chart.span_s == 6 * 3600
    assert here.told() == [(chart.id, "channel:C1")]


def test_one_picture_at_a_time_for_each_person(here: Here) -> None:
    here.pictures.ask(mei(), "rows", "1h", "channel:C1", None)
    with pytest.raises(Refused, match="being drawn for you already: Rows"):
        here.pictures.ask(mei(), "connections", "1h", "channel:C1", None)
    here.pictures.ask(person("diego"), "connections", "1h", "channel:C1", None)
    here.clock.turn(minutes=2)
    here.pictures.ask(mei(), "health_latency", "1h", "channel:C1", None)  # the first is not to be waited for for ever
    here.queue.work()
    here.pictures.ask(mei(), "transactions", "1h", "channel:C1", None)


def test_the_same_picture_is_not_drawn_again_within_a_minute(here: Here) -> None:
    first = here.pictures.ask(mei(), "rows", "1h", "channel:C1", None)
    here.queue.work()
    for place in ("channel:C1", "channel:C2", "channel:C2"):
        assert here.pictures.ask(person("diego"), "rows", "1h", place, None).id == first.id
    here.queue.work()
    assert here.told() == [(first.id, "channel:C1"), (first.id, "channel:C2")]
    incident = here.declare()
    here.queue.work()
    for span, of in (("6h", None), ("1h", incident)):
        assert here.pictures.ask(mei(), "rows", span, "channel:C1", of).id != first.id
        here.queue.work()
    here.clock.turn(minutes=1)
    assert here.pictures.ask(mei(), "rows", "1h", "channel:C1", None).id != first.id


def test_of_several_hosts_the_one_in_trouble_is_drawn(here: Here) -> None:
    with here.database.write() as session:
        for minute in range(5):
            at = here.clock() - timedelta(minutes=minute)
            here.series.record(session, at, {"error_lines:app_2": 500.0})
    assert here.pictures.ask(mei(), "error_lines", "1h", "channel:C1", None).series == "error_lines:app_2"
    here.queue.work()
    assert here.pictures.ask(mei(), "error_lines:app_1", "1h", "channel:C1", None).series == "error_lines:app_1"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("conections", "Did you mean connections?"),
        ("connections:traitortrak", "Did you mean traitortrack?"),
        ("", "A metric is missing: health_latency"),
    ],
)
def test_what_is_not_measured_is_refused_with_the_nearest(here: Here, asked: str, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        here.pictures.ask(mei(), asked, "1h", "channel:C1", None)
    assert said in refusal.value.words


def test_what_is_asked_for_is_read() -> None:
    assert read_request("connections 6h") == ("connections", "6h")
    assert read_request("longest query") == ("longest query", "1h")
    assert read_request("24H") == ("", "24h")
    assert read_request("") == ("", "1h")
    assert find_series(SHIPPED, "longest query")[0][0] is METRICS["longest_query"]
    with pytest.raises(Refused, match="is not a span: 1h, 6h, 24h"):
        read_request("connections 3h")


def test_without_matplotlib_the_words_are_said(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_charts: object) -> list[bytes]:
        raise ChartsMissing

    monkeypatch.setattr(pictures_room, "render", refuse)
    here.measure(6, rows=900.0)
    here.declare()
    here.queue.work()
    (chart,) = here.charts()
    assert (chart.picture, len(here.told())) == (None, 1)
    assert chart.left_out == "Charts cannot be drawn here: matplotlib is missing. Install `holdfast[charts]`."
    assert chart.alt_text.startswith("Rows: fewer since 13:00.")


def test_without_measuring_there_are_no_charts(database: Database) -> None:
    empty_store(database)
    here = start(database, SHIPPED.model_copy(update={"metrics": None}))
    incident = here.declare()
    here.queue.work()
    here.desk.resolve(incident.id, actor="mei")
    here.pictures.draw_resolution(incident.id)
    assert here.charts() == []
    with pytest.raises(Refused, match="Nothing is measured"):
        here.pictures.ask(mei(), "rows", "1h", "channel:C1", None)


def test_what_is_not_measured_says_why(here: Here) -> None:
    incident = here.declare()
    with here.database.write() as session:
        session.add(
            Meter(
                key="database:traitortrack", measured_at=here.clock(), since=here.clock(), kept={}, trouble="No way in."
            )
        )
    sketch = here.pictures.sketch_now("rows", "1h", incident)
    assert "No way in." in sketch.chart.alt_text


def test_series_belong_to_the_components_and_what_they_depend_on() -> None:
    def concerned(*components: str) -> set[str]:
        incident = rows.make_incident(components=list(components))
        return {metric.of for metric, subject in list_series(SHIPPED) if belongs(SHIPPED, metric, subject, incident)}

    assert concerned() == concerned("application") == concerned("database") == {"application", "database", "host"}
    assert concerned("static_assets") == {"application", "host"}


def test_deploys_are_marks(here: Here) -> None:
    at = here.clock() - timedelta(minutes=10)
    here.pictures.find_deploys = lambda: [
        Mark(at.timestamp(), "Deploy v2.4.1", "deploy"), Mark(0.0, "Deploy v1", "deploy"),
    ]  # fmt: skip
    here.measure(6, rows=900.0)
    here.declare()
    here.queue.work()
    (chart,) = here.charts()
    assert "Marks: 12:50 Deploy v2.4.1; 13:06 Incident #1." in chart.alt_text


def test_deploys_that_take_long_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    release, now = threading.Event(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(deploys, "list_deploys", lambda hosts: [Deploy(now, f"v1 on {len(hosts)}")])
    assert Mark(now.timestamp(), "Deploy v1 on 2", "deploy") in deploys.find_deploys(SHIPPED, {})
    monkeypatch.setattr(deploys, "LIMIT_S", 0.05)
    monkeypatch.setattr(deploys, "list_deploys", lambda hosts: [Deploy(now, str(release.wait(30)))])
    try:
        assert deploys.find_deploys(SHIPPED, {}) == []
    finally:
        release.set()


def test_runs_are_marks(here: Here) -> None:
    incident = here.declare()
    began: datetime = here.clock()
    with here.database.write() as session:
        session.add(rows.make_plan(None, state="approved", incident_id=incident.id))
        session.flush()
        session.add(rows.make_run(incident_id=incident.id, action="deploy_release", started_at=began))
    with here.database.read() as session:
        marks = list_marks(session, [session.get_one(Incident, incident.id)])
    assert [(one.kind, one.label) for one in marks] == [
        ("incident", "Incident #1"),
        ("deploy", "Run 5: deploy_release"),
    ]
