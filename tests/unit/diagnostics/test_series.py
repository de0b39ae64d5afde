"""Series: what is kept, what is put together and forgotten, and what is called usual."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnostics.series import FEWEST, Point, Series, find_usual, put_together
from bot.policy import Metrics, load_policy
from bot.store.database import Database
from bot.store.tables import Incident
from tests.integration.store.rows import make_incident
from tests.integration.store.stores import empty_store, open_store

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
NAME = "connections:traitortrack"
POLICY = load_policy(None)
VALUES = st.floats(min_value=-1e12, max_value=1e12)
POINTS = st.lists(
    st.builds(
        lambda minutes, value, spread, count: Point(
            NOON + minutes * MINUTE, value, value - spread, value + spread, count
        ),
        st.integers(0, 600), VALUES, st.floats(0, 1e6), st.integers(1, 50),
    ),
    min_size=1, max_size=60,
)  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("series")
    with open_store(f"sqlite:///{folder / 'holdfast.db'}") as database:
        yield database


@pytest.fixture
def series(database: Database) -> Series:
    empty_store(database)
    return Series(database, POLICY)


def fill(series: Series, since: datetime, minutes: int, value: float, *, swing: float = 0.0) -> None:
    """A figure a minute, swinging around the value."""
    with series.database.write() as session:
        for minute in range(minutes):
            wave = swing * (-1) ** minute
            series.record(session, since + minute * MINUTE, {NAME: value + wave})


def test_what_is_recorded_is_read(series: Series) -> None:
    fill(series, NOON, 3, 5.0)
    found = series.read(NAME, NOON, NOON + 2 * MINUTE)
    assert [(one.at, one.value, one.count) for one in found] == [(NOON, 5.0, 1), (NOON + MINUTE, 5.0, 1)]
    assert series.list_names() == [NAME]
    assert series.read("unheard:of", NOON, NOON + QUARTER) == []


def test_what_comes_within_the_same_interval_is_one_figure(series: Series) -> None:
    with series.database.write() as session:
        for second, value in ((2, 10.0), (31, 30.0), (59, 20.0)):
            series.record(session, NOON + timedelta(seconds=second), {NAME: value})
    assert series.read(NAME, NOON, NOON + QUARTER) == [Point(NOON, 20.0, 10.0, 30.0, 3, MINUTE)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_kept(series: Series, value: float) -> None:
    with pytest.raises(ValueError, match="was measured as"), series.database.write() as session:
        series.record(session, NOON, {NAME: value})
    assert series.list_names() == []


@given(POINTS)
def test_putting_together_keeps_what_counts(points: list[Point]) -> None:
    together = put_together(points, QUARTER)
    assert sum(one.count for one in together) == sum(one.count for one in points)
    assert min(one.low for one in together) == min(one.low for one in points)
    assert max(one.high for one in together) == max(one.high for one in points)
    assert all(one.low <= one.value <= one.high for one in together)
    assert all(earlier.at < later.at for earlier, later in pairwise(together))
    assert all(one.at.minute % 15 == one.at.second == 0 and one.width == QUARTER for one in together)


@given(POINTS)
def test_putting_together_again_changes_nothing(points: list[Point]) -> None:
    once = put_together(points, QUARTER)
    assert put_together(once, QUARTER) == once


@given(POINTS)
def test_the_usual_lies_within_what_was_seen(points: list[Point]) -> None:
    usual, samples = find_usual(points), sum(one.count for one in points)
    if usual is None:
        assert samples < FEWEST
        return
    assert usual.samples == samples >= FEWEST
    assert min(p.low for p in points) <= usual.low <= usual.high <= max(p.high for p in points)
    assert usual.low <= usual.median <= usual.high
    assert usual.holds(usual.median)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_usual_does_not_depend_on_order(points: list[Point], random: object) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert find_usual(shuffled) == find_usual(points)


def test_old_figures_are_put_together_and_older_ones_forgotten(series: Series) -> None:
    fill(series, NOON - timedelta(days=40), 30, 1.0)
    fill(series, NOON - timedelta(days=10), 30, 4.0, swing=2.0)
    fill(series, NOON - timedelta(hours=1), 30, 9.0)
    for _ in range(2):
        series.thin(NOON)
        kept = series.read(NAME, NOON - timedelta(days=60), NOON)
        assert [one.count for one in kept] == [15, 15] + [1] * 30
        assert [(one.low, one.high, one.width) for one in kept[:2]] == [(2.0, 6.0, QUARTER)] * 2


def test_what_comes_late_joins_what_was_put_together(series: Series) -> None:
    old = NOON - timedelta(days=10)
    fill(series, old, 15, 4.0)
    series.thin(NOON)
    fill(series, old + 3 * MINUTE, 1, 20.0)
    series.thin(NOON)
    (kept,) = series.read(NAME, old, NOON)
    assert (kept.count, kept.high, kept.value) == (16, 20.0, 5.0)


def test_what_is_kept_is_bounded(series: Series) -> None:
    """The policy's times alone decide how much there is, however long it goes on."""
    settings = Metrics(
        every=QUARTER, keep_for=timedelta(hours=2), thin_to=timedelta(hours=1), keep_thinned_for=timedelta(days=1)
    )
    series.settings = settings
    sizes = []
    for hour in range(60):
        with series.database.write() as session:
            for quarter in range(4):
                series.record(session, NOON + timedelta(hours=hour) + quarter * QUARTER, {NAME: 1.0})
        now = NOON + timedelta(hours=hour + 1)
        series.thin(now)
        sizes.append(len(series.read(NAME, NOON, now)))
    assert max(sizes) == sizes[-1] == sizes[-20] <= 2 * 4 + 4 + 24


def test_usual_is_the_same_time_of_day_on_days_before(series: Series) -> None:
    """Nights are quiet: what is usual at noon is not."""
    for day in range(1, 5):
        fill(series, NOON - timedelta(days=day, minutes=30), 60, 100.0, swing=10.0)
        fill(series, NOON - timedelta(days=day, hours=12), 60, 3.0)
    usual = series.usual(NAME, NOON)
    assert usual is not None
    assert (usual.low, usual.high, usual.samples) == (90.0, 110.0, 240)
    assert not usual.holds(120.0)


def test_with_little_history_the_last_day_is_what_is_usual(series: Series) -> None:
    fill(series, NOON - timedelta(hours=6), 120, 7.0)
    usual = series.usual(NAME, NOON)
    assert usual is not None
    assert (usual.median, usual.samples) == (7.0, 120)


def test_the_last_minutes_are_not_what_is_usual(series: Series) -> None:
    """The trouble has begun before it is noticed."""
    fill(series, NOON - timedelta(minutes=60), 45, 7.0)
    fill(series, NOON - timedelta(minutes=15), 15, 900.0)
    usual = series.usual(NAME, NOON)
    assert usual is not None
    assert (usual.high, usual.samples) == (7.0, 45)


def test_too_little_is_not_usual(series: Series) -> None:
    fill(series, NOON - timedelta(hours=2), FEWEST - 1, 7.0)
    assert series.usual(NAME, NOON) is None
    assert series.usual("unheard:of", NOON) is None


def test_an_incident_is_not_what_is_usual(series: Series) -> None:
    began = NOON - timedelta(hours=6)
    fill(series, began, 60, 7.0)
    fill(series, began + timedelta(hours=1), 60, 900.0)
    incident: Incident = make_incident()
    incident.detected_at, incident.resolved_at = began + timedelta(hours=1), began + timedelta(hours=2)
    with series.database.write() as session:
        session.add(incident)
    usual = series.usual(NAME, NOON)
    assert usual is not None
    assert (usual.high, usual.samples) == (7.0, 60)
