"""When something is due, as people say it, in the zone that they live in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.incidents.due import DAYS, read_due, split_due

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday, 13:00 in Berlin."""
NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
NAMES = [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
]  # fmt: skip
ZONES = st.sampled_from(NAMES).map(ZoneInfo)
MOMENTS = st.integers(0, 6 * 365 * 24 * 60).map(lambda minutes: NEW_YEAR + timedelta(minutes=minutes))
GAP = timedelta(hours=1)
"""By how much a time of day moves that a clock leaves out in spring."""


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("by 14:30", "2026-03-04 14:30"),
        ("by 9:00", "2026-03-05 09:00"),
        ("in 2h", "2026-03-04 15:00"),
        ("in 1 hour 30 min", "2026-03-04 14:30"),
        ("by friday", "2026-03-06 23:59"),
        ("by Wed", "2026-03-11 23:59"),
        ("by friday 10:00", "2026-03-06 10:00"),
        ("due tomorrow 9:00", "2026-03-05 09:00"),
        ("by today", "2026-03-04 23:59"),
        ("by 2026-03-29 02:30", "2026-03-29 03:30"),
        ("by 2026-04-01", "2026-04-01 23:59"),
        ("by 5pm", "2026-03-04 17:00"),
        ("by 5:30 p.m.", "2026-03-04 17:30"),
        ("by tomorrow 9 AM", "2026-03-05 09:00"),
        ("by friday 12am", "2026-03-06 00:00"),
        ("by 12pm", "2026-03-05 12:00"),
    ],
)
def test_what_people_say(words: str, due: str) -> None:
    found = read_due(words, NOW, BERLIN)
    assert found is not None
    assert f"{found.astimezone(BERLIN):%Y-%m-%d %H:%M}" == due


@pytest.mark.parametrize(
    "words",
    [
        "",
        "by",
        "by hand",
        "in the logs",
        "by 25:00",
        "in 0h",
        "by 2026-13-01",
        "in 5",
        "by 5",
        "by friday 5",
        "by 13pm",
        "by 0am",
    ],
)
def test_what_is_no_time(words: str) -> None:
    assert read_due(words, NOW, BERLIN) is None


@pytest.mark.parametrize(
    ("text", "title", "timed"),
    [
        ("Check the backups by 14:30", "Check the backups", True),
        ("Look in the logs by friday", "Look in the logs", True),
        ("Look in the logs", "Look in the logs", False),
        ("Stand by", "Stand by", False),
        ("Restore by hand, in 2h", "Restore by hand", True),
        ("Meet at 14:30", "Meet at 14:30", False),
    ],
)
def test_the_time_is_taken_from_the_end_of_a_task(text: str, title: str, timed: bool) -> None:
    found, due = split_due(text, NOW, BERLIN)
    assert (found, due is not None) == (title, timed)


@given(MOMENTS, ZONES, st.integers(0, 23), st.integers(0, 59))
@example(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), BERLIN, 2, 30)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), BERLIN, 2, 30)
@settings(deadline=None)
def test_a_time_of_day_is_the_next_one(now: datetime, zone: ZoneInfo, hour: int, minute: int) -> None:
    due = read_due(f"by {hour}:{minute:02}", now, zone)
    assert due is not None
    assert now < due <= now + timedelta(days=1) + GAP
    here = due.astimezone(zone)
    wanted = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    assert abs(here.replace(tzinfo=None) - wanted.replace(tzinfo=None)) <= GAP


@given(MOMENTS, ZONES, st.sampled_from(DAYS))
@settings(deadline=None)
def test_a_day_of_the_week_is_to_come(now: datetime, zone: ZoneInfo, day: str) -> None:
    due = read_due(f"by {day}", now, zone)
    assert due is not None
    here = due.astimezone(zone)
    assert DAYS[here.weekday()] == day
    assert 1 <= (here.date() - now.astimezone(zone).date()).days <= 7


@given(st.text(), ZONES)
@settings(deadline=None)
def test_any_text_is_taken(text: str, zone: ZoneInfo) -> None:
    title, due = split_due(text, NOW, zone)
    assert due is None or due.tzinfo is UTC
    assert text.startswith(title)
