"""Business days: by the calendar of the policy, in its time zone, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.policy import BusinessDays, Calendar, Rota, find_due_time, load_policy
from bot.policy.durations import parse_deadline
from tests.unit.policy.policy_files import list_problems, write_variation

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"]
WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"]


def days(zone: str = "America/New_York", **changed: Any) -> BusinessDays:
    given = {"workdays": WEEK, "opens": "09:00", "country": "US", **changed}
    return BusinessDays(Calendar.model_validate(given), ZoneInfo(zone))


def local(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-03-03 08:00", "2026-03-04 09:00"),  # a day that has not opened yet is not the next one
        ("2026-03-06 17:00", "2026-03-09 09:00"),  # over a weekend on which clocks are put forward
        ("2026-10-30 17:00", "2026-11-02 09:00"),  # and back
        ("2026-07-02 23:59", "2026-07-06 09:00"),  # Independence Day is a Saturday, observed on Friday
        ("2026-12-31 23:59", "2027-01-04 09:00"),  # year's end, then New Year's Day, then a weekend
        ("2026-12-23 12:00", "2026-12-28 09:00"),  # Christmas Eve is closed by hand
    ],
)
def test_the_next_business_day(moment: str, opens: str) -> None:
    calendar = days(closed_on=["2026-12-24"])
    assert calendar.open_next(local(moment)) == local(opens)


def test_the_opening_of_a_day_that_has_one_still_to_come() -> None:
    assert days().open_after(local("2026-03-03 08:59")) == local("2026-03-03 09:00")
    assert days().open_after(local("2026-03-03 09:00")) == local("2026-03-04 09:00")


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    chavez = local("2026-03-31 12:00")
    assert days().is_working(chavez)
    assert not days(subdivision="CA").is_working(chavez)


def test_without_a_country_there_are_no_holidays() -> None:
    assert days(country=None).is_working(local("2026-12-25 12:00"))


@given(st.integers(0, 6 * 365 * 24 * 60), st.sampled_from(ZONES), st.sampled_from(["00:00", "02:30", "09:00", "23:59"]))
def test_it_is_later_and_a_working_day_and_none_is_left_out(minutes: int, zone: str, opens: str) -> None:
    calendar, moment = days(zone, opens=opens), datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = calendar.open_next(moment)
    today, day = moment.astimezone(calendar.zone).date(), found.astimezone(calendar.zone).date()
    assert found > moment
    assert found.tzinfo is UTC
    assert day > today
    assert calendar.is_working_day(day)
    between = [today + timedelta(days=n) for n in range(1, (day - today).days)]
    assert not any(map(calendar.is_working_day, between))
    soonest = calendar.open_after(moment)
    assert moment < soonest <= found


def test_deadlines_become_times() -> None:
    since = local("2026-07-02 12:00")
    assert find_due_time(parse_deadline("immediate"), since, days()) == since
    assert find_due_time(parse_deadline("4 hours"), since, days()) == since + timedelta(hours=4)
    assert find_due_time(parse_deadline("next business day"), since, days()) == local("2026-07-06 09:00")
    assert find_due_time(parse_deadline("next sprint"), since, days()) is None


@pytest.mark.parametrize(
    ("new", "rule"),
    [
        ("  country: Germany", '"Germany" is no country whose holidays are known; write its two letters'),
        ("  country: US\n  subdivision: BY", '"BY" is not known in US: known are AK, AL'),
        ("  subdivision: BY", "`subdivision` needs `country`"),
        ('  country: US\n  closed_on: ["2026-02-30"]', '"2026-02-30" is not a date such as 2026-12-24'),
    ],
)
def test_a_calendar_that_nobody_can_keep_is_refused(tmp_path: Path, new: str, rule: str) -> None:
    (problem,) = list_problems(write_variation(tmp_path, ("  country: US", new)))
    assert rule in problem


@pytest.mark.parametrize(
    ("rota", "rule"),
    [
        ({"people": ["amara", "mei"]}, "`shift` and `starts` are needed"),
        ({"people": ["amara"], "pagerduty_schedule": "P"}, "`api_key_env` is needed"),
        ({"people": []}, "`people`, `pagerduty_schedule` or `opsgenie_schedule` is needed"),
        (
            {"pagerduty_schedule": "P", "opsgenie_schedule": "O", "api_key_env": "K"},
            "either `pagerduty_schedule` or `opsgenie_schedule`",
        ),
        ({"people": ["a", "b"], "shift": "7 days", "starts": "2026-02-30 09:00"}, "is not a local time such as"),
    ],
)
def test_a_rota_that_nobody_can_tell_is_refused(rota: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        Rota.model_validate(rota)


def test_follow_ups_name_roles_that_there_are(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ("due: 24 hours, owner: dr_coordinator", "due: 24 hours, owner: dr_cordinator"))
    (problem,) = list_problems(path)
    assert 'post_incident.3.owner "dr_cordinator" is not in `roles`' in problem.replace(":", "")


def test_the_shipped_calendar_is_kept() -> None:
    policy = load_policy(None)
    assert policy.calendar.country == "US"
