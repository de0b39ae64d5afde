"""Uptime: never outside 0 to 100 %, overlaps counted once, partial outages by their weight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.comms.status_site.uptime import DAYS, ORDER, WEIGHTS, Stretch, measure_uptime, worst_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPAN_H = (DAYS - 1) * 24 + 12
MINUTES = st.integers(-100 * 24 * 60, 60)


@st.composite
def stretches(draw: st.DrawFn) -> Stretch:
    began = NOW + timedelta(minutes=draw(MINUTES))
    lasted = draw(st.none() | st.integers(0, 20 * 24 * 60))
    ended = None if lasted is None else began + timedelta(minutes=lasted)
    return Stretch(draw(st.sampled_from(ORDER[1:])), began, ended)


def down(*outages: Stretch) -> float:
    return 100 - measure_uptime(outages, NOW).percent


def outage(status: str, begins_h: float, hours: float) -> Stretch:
    """Hours before now."""
    return Stretch(status, NOW - timedelta(hours=begins_h), NOW - timedelta(hours=begins_h - hours))


@settings(max_examples=200, deadline=None)
@given(st.lists(stretches(), max_size=8))
def test_it_is_a_share_and_more_outages_never_raise_it(found: list[Stretch]) -> None:
    measured = measure_uptime(found, NOW)
    assert 0 <= measured.percent <= 100
    assert len(measured.days) == DAYS
    assert [one.date for one in measured.days] == [date(2026, 3, 1) - timedelta(days=n) for n in range(DAYS)][::-1]
    assert all(sum(one.lasted_s.values()) <= 86_400 for one in measured.days), "no moment counts twice"
    assert measure_uptime(found[1:], NOW).percent >= measured.percent
    assert measure_uptime([*found, *found], NOW) == measured, "the same outage told twice is one"


@settings(max_examples=100, deadline=None)
@given(st.lists(stretches(), max_size=8))
def test_it_is_what_a_count_minute_by_minute_gives(found: list[Stretch]) -> None:
    since = NOW - timedelta(hours=SPAN_H)
    total = SPAN_H * 60
    lost = [0.0] * total
    for one in found:
        first = max(0, int((one.began_at - since).total_seconds() // 60))
        last = min(total, int(((one.ended_at or NOW) - since).total_seconds() // 60))
        for minute in range(first, last):
            # The worst that is said at a moment is the heaviest too: the order of states agrees with the weights.
            lost[minute] = max(lost[minute], WEIGHTS.get(one.status, 0.0))
    expected = 100 * (1 - sum(lost) / total)
    assert measure_uptime(found, NOW).percent == pytest.approx(expected, abs=0.0101)


def test_figures() -> None:
    assert down() == 0
    assert down(outage("major_outage", 48, 12)) == pytest.approx(100 * 12 / SPAN_H, abs=0.01)
    assert down(outage("partial_outage", 48, 12)) == pytest.approx(100 * 12 * 0.3 / SPAN_H, abs=0.01)
    assert down(outage("degraded_performance", 48, 12)) == 0
    both = down(outage("major_outage", 48, 12), outage("partial_outage", 48, 24))
    assert both == pytest.approx(100 * (12 + 12 * 0.3) / SPAN_H, abs=0.01)
    assert down(outage("major_outage", 24 * 200, 24 * 50)) == 0, "before the 90 days"
    assert measure_uptime([Stretch("major_outage", NOW - timedelta(days=400), None)], NOW).percent == 0


def test_a_hundred_percent_is_said_only_where_nothing_was() -> None:
    assert measure_uptime([outage("major_outage", 5, 1 / 60)], NOW).percent < 100


def test_a_day_says_how_long_each_state_lasted() -> None:
    day = measure_uptime([outage("major_outage", 2, 1), outage("degraded_performance", 4, 4)], NOW).days[-1]
    assert (day.worst, day.lasted_s) == ("major_outage", {"degraded_performance": 3 * 3600.0, "major_outage": 3600.0})


def test_midnight_parts_an_outage_between_two_days() -> None:
    before, today = measure_uptime([outage("major_outage", 14, 4)], NOW).days[-2:]
    assert (before.lasted_s, today.lasted_s) == ({"major_outage": 7200.0}, {"major_outage": 7200.0})


def test_the_worst() -> None:
    assert worst_of([]) == "operational"
    assert worst_of(["degraded_performance", "major_outage", "partial_outage"]) == "major_outage"
