"""No run starts inside a blackout window, and whoever presses is told until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.policy import Scope, find_closure
from bot.policy.blackouts import Blackout
from tests.unit.recovery.ballot import change_rule, make_document, make_policy, open_ballot

BERLIN = ZoneInfo("Europe/Berlin")
RESTORE = Scope("restore_database", "destructive")


def close(*blackouts: dict[str, Any], zone: str = "UTC", **changed: Any) -> Any:
    return make_policy(blackouts=[{"title": "Sorting", **one} for one in blackouts], time_zone=zone, **changed)


def test_a_press_is_refused_with_the_end_and_the_glass_can_be_broken(tmp_path: Path) -> None:
    with open_ballot(tmp_path, close({"window": "11:00-20:00"}, zone="Europe/Berlin")) as ballot:
        plan = ballot.ask()
        words = ballot.refused(ballot.approve, plan, "amara")
        assert "No run may start now: Sorting, until Sun 01 Mar, 20:00 (Europe/Berlin)." in words
        assert ballot.break_glass(plan, "amara") is not None


def test_it_can_be_denied_at_any_time(tmp_path: Path) -> None:
    with open_ballot(tmp_path, close({"window": "11:00-20:00"})) as ballot:
        plan = ballot.ask()
        ballot.decide(plan, "mei", "deny")
        assert ballot.state(plan) == "denied"


def test_what_needs_no_approval_does_not_start_either(tmp_path: Path) -> None:
    with open_ballot(tmp_path, close({"window": "11:00-20:00"})) as ballot:
        plan = ballot.ask(document=make_document("low"))
        assert ballot.state(plan) == "refused"
        assert "Sorting, until" in ballot.plans.find(plan.id).reason
        ballot.clock.turn(hours=8)
        assert ballot.state(ballot.ask(document=make_document("low"))) == "approved"


def test_an_approval_given_before_does_not_start_it_inside(tmp_path: Path) -> None:
    with open_ballot(tmp_path, close({"window": "12:10-12:20"})) as ballot:
        plan = ballot.ask()
        assert ballot.approve(plan, "amara") is None
        ballot.clock.turn(minutes=10)
        ballot.refused(ballot.approve, plan, "mei")
        ballot.clock.turn(minutes=10)
        assert ballot.approve(plan, "mei") is not None


def test_no_reminders_for_what_cannot_be_pressed(tmp_path: Path) -> None:
    with open_ballot(tmp_path, close({"window": "11:00-20:00"})) as ballot:
        ballot.nudges.nudge(ballot.ask().id, 1)
        assert ballot.told("approval_nudge") == {}


@pytest.mark.parametrize(("window", "more", "at", "until"), [
    ("22:00-06:00", {}, "2026-03-03T23:00", "2026-03-04T06:00"),
    ("22:00-06:00", {}, "2026-03-04T05:59", "2026-03-04T06:00"),
    ("22:00-06:00", {}, "2026-03-04T06:00", None),
    ("22:00-06:00", {"weekdays": ["tuesday"]}, "2026-03-04T05:00", "2026-03-04T06:00"),
    ("22:00-06:00", {"weekdays": ["wednesday"]}, "2026-03-04T05:00", None),
    ("00:00-00:00", {"dates": ["2026-12-20 to 2027-01-02"]}, "2026-12-31T12:00", "2027-01-03T00:00"),
    ("00:00-00:00", {"dates": ["2026-12-24"]}, "2026-12-25T00:00", None),
    ("00:00-00:00", {"weekdays": ["saturday", "sunday"]}, "2026-03-07T09:00", "2026-03-09T00:00"),
    ("08:00-20:00", {"actions": ["prune_backups"]}, "2026-03-04T12:00", None),
    ("08:00-20:00", {"risks": ["high"]}, "2026-03-04T12:00", None),
    ("08:00-20:00", {"risks": ["destructive"]}, "2026-03-04T12:00", "2026-03-04T20:00"),
])  # fmt: skip
def test_windows(window: str, more: dict[str, Any], at: str, until: str | None) -> None:
    policy = close({"window": window, **more}, zone="Europe/Berlin")
    closure = find_closure(policy, RESTORE, datetime.fromisoformat(at).replace(tzinfo=BERLIN).astimezone(UTC))
    assert (closure and closure.until) == (until and datetime.fromisoformat(until).replace(tzinfo=BERLIN))


def test_windows_that_follow_without_a_gap_are_one() -> None:
    policy = close({"window": "08:00-12:00"}, {"window": "12:00-18:00", "title": "Afternoon"})
    closure = find_closure(policy, RESTORE, datetime(2026, 3, 4, 9, tzinfo=UTC))
    assert closure is not None
    assert (closure.title, closure.until) == ("Sorting", datetime(2026, 3, 4, 18, tzinfo=UTC))


def test_what_never_ends_is_said_so() -> None:
    policy = close({"window": "00:00-12:00"}, {"window": "12:00-00:00"})
    closure = find_closure(policy, RESTORE, datetime(2026, 3, 4, 9, tzinfo=UTC))
    assert closure is not None
    assert closure.until is None


@pytest.mark.parametrize("more", [
    {"window": "00:00-00:00"}, {"window": "7-9"}, {"window": "08:00-09:00", "dates": ["2026-02-30"]},
    {"window": "08:00-09:00", "dates": ["2026-03-02 to 2026-03-01"]}, {"window": "08:00-09:00", "weekdays": ["sun"]},
])  # fmt: skip
def test_what_is_no_window(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Blackout.model_validate({"title": "Sorting", **more})


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 (UTC is added)
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
)
def test_open_or_closed_as_the_clock_on_the_wall_says(moment: datetime, opens: Any, closes: Any) -> None:
    """Away from the hours in which clocks are changed, a look at the wall decides."""
    now = moment.replace(tzinfo=UTC)
    window = f"{opens:%H:%M}-{closes:%H:%M}"
    blackout = Blackout.model_validate({"title": "x", "window": window, "dates": ["2020-01-01 to 2030-01-01"]})
    wall = now.astimezone(BERLIN).time()
    inside = opens <= wall < closes if opens < closes else wall >= opens or wall < closes
    end = blackout.end_at(now, BERLIN)
    if not is_near_a_change(now):
        assert (end is not None) == inside
    if end is not None:
        assert now < end <= now + timedelta(hours=25)


def is_near_a_change(moment: datetime) -> bool:
    before, after = (moment + timedelta(days=days) for days in (-2, 2))
    return before.astimezone(BERLIN).utcoffset() != after.astimezone(BERLIN).utcoffset()


def test_the_rule_of_a_quiet_hour_is_the_same_for_a_group(tmp_path: Path) -> None:
    policy = close({"window": "11:00-20:00"}, approvals=change_rule("destructive", groups=["dba-team"]))
    with open_ballot(tmp_path, policy) as ballot:
        ballot.groups.members["dba-team"] = {"priya"}
        assert "No run may start now" in ballot.refused(ballot.approve, ballot.ask(), "priya")
