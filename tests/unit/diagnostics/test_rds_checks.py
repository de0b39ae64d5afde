"""What is made of an RDS instance's description, events and figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnostics.checks.infrastructure_rds_events import CHECK as EVENTS
from bot.diagnostics.checks.infrastructure_rds_events import judge_event
from bot.diagnostics.checks.infrastructure_rds_instance import (
    judge_answer,
    judge_backups,
    judge_exposure,
    judge_maintenance,
    judge_missing,
    judge_pending,
    judge_standby,
    judge_status,
)
from bot.diagnostics.checks.infrastructure_rds_storage import GIB, is_burstable, judge_credits, judge_storage
from bot.diagnostics.points import Point
from bot.diagnostics.trends import LONGEST, time_until_empty
from bot.policy import load_policy
from bot.recovery.registry import all_actions
from bot.systems.cloudwatch import Reading
from bot.systems.rds import Event, Instance, Maintenance
from bot.systems.rds_waiting import BAD

POLICY = load_policy(None)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "DBInstanceIdentifier": "traitortrack-primary", "DBInstanceStatus": "available", "DBInstanceClass": "db.t3.large",
    "MultiAZ": True, "BackupRetentionPeriod": 7, "PreferredBackupWindow": "03:00-04:00", "AllocatedStorage": 100,
}  # fmt: skip


def instance(**described: object) -> Instance:
    description: Any = {**GOOD, **described}
    return Instance(description)


def suggested(point: Point) -> list[str]:
    """Actions that the point leads to; what it gives them fits their parameters."""
    for one in point.suggests:
        all_actions()[one.action].parameters.model_validate(one.parameters)
    return [one.action for one in point.suggests]


def readings(values: Sequence[float], every: timedelta = timedelta(minutes=5)) -> list[Reading]:
    return [Reading(NOW - every * (len(values) - 1 - number), value) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("status", "state"),
    [("available", "ok"), ("backing-up", "ok"), ("modifying", "warning"), ("storage-full", "critical")],
)
def test_status(status: str, state: str) -> None:
    point = judge_status(instance(DBInstanceStatus=status))
    assert (point.state, status in point.words) == (state, True)


@pytest.mark.parametrize("status", BAD)
def test_every_bad_state_is_named_with_what_to_do(status: str) -> None:
    point = judge_status(instance(DBInstanceStatus=status))
    assert (point.state, point.signs) == ("critical", ("disk full" if status == "storage-full" else "instance ill",))
    assert f"is {status}: {BAD[status]}. " in point.words
    named = re.findall(r"/dr plan (\w+)", point.words)
    assert set(named) <= set(all_actions())
    assert "{" not in point.words


@pytest.mark.parametrize(
    ("status", "words"),
    [("stopped", "start-db-instance --db-instance-identifier traitortrack-primary"), ("storage-full",
      "--allocated-storage 120 --apply-immediately"), ("incompatible-parameters", "reset-db-parameter-group"),
     ("inaccessible-encryption-credentials", "In KMS, enable its key again"), ("failed", "rds_restore_to_time"),
     ("maintenance", "comes back by itself"), ("a-new-word", "RDS is at work on it")],
)  # fmt: skip
def test_a_state_leads_to_its_next_step(status: str, words: str) -> None:
    assert words in judge_status(instance(DBInstanceStatus=status)).words


@pytest.mark.parametrize(("public", "protected", "signs"), [
    (False, True, []), (True, True, ["exposed"]), (False, False, ["backups at risk"]),
    (True, False, ["exposed", "backups at risk"]),
])  # fmt: skip
def test_what_strangers_could_reach_and_what_one_call_could_delete(
    public: bool, protected: bool, signs: list[str]
) -> None:
    points = list(judge_exposure(instance(PubliclyAccessible=public, DeletionProtection=protected)))
    assert [sign for one in points for sign in one.signs] == signs
    assert all(one.state == "warning" for one in points)
    assert not public or "public address" in points[0].words


def test_a_missing_instance_is_critical_only_where_the_database_is_on_rds() -> None:
    missing = [judge_missing("one", "us-east-1", host).state for host in ("x.us-east-1.rds.amazonaws.com", "::1", "")]
    assert missing == ["critical", "unknown", "unknown"]


def test_a_silent_instance_leads_to_a_failover_where_one_is_possible() -> None:
    assert judge_answer(instance(), True).state == "ok"
    assert suggested(judge_answer(instance(), False)) == ["rds_failover"]
    assert suggested(judge_answer(instance(MultiAZ=False), False)) == []
    assert suggested(judge_answer(instance(DBInstanceStatus="rebooting"), False)) == []


def test_a_standby_is_wanted_by_the_policy() -> None:
    alone = judge_standby(instance(MultiAZ=False), POLICY)
    assert (alone.state, suggested(alone)) == ("warning", ["rds_enable_multi_az"])
    ordered = judge_standby(instance(MultiAZ=False, PendingModifiedValues={"MultiAZ": True}), POLICY)
    assert (ordered.state, suggested(ordered)) == ("warning", [])
    rds = POLICY.infrastructure.rds.model_copy(update={"multi_az": False})
    content = POLICY.model_copy(update={"infrastructure": POLICY.infrastructure.model_copy(update={"rds": rds})})
    assert judge_standby(instance(MultiAZ=False), content).state == "ok"


@pytest.mark.parametrize(
    ("days", "window", "state"),
    [(7, "03:00-04:00", "ok"), (30, "03:00-04:00", "ok"), (3, "03:00-04:00", "warning"), (7, "13:00-14:00", "warning"),
     (0, "03:00-04:00", "critical")],
)  # fmt: skip
def test_backups_against_the_policy(days: int, window: str, state: str) -> None:
    point = judge_backups(instance(BackupRetentionPeriod=days, PreferredBackupWindow=window), POLICY)
    assert (point.state, suggested(point)) == (state, [] if state == "ok" else ["rds_backup_settings"])
    assert all(one.parameters["retention_days"] == 7 for one in point.suggests)


def test_pending_changes_are_shown_without_a_password() -> None:
    pending = {"DBInstanceClass": "db.t3.xlarge", "MasterUserPassword": "geheim"}
    points = list(judge_pending(instance(PendingModifiedValues=pending)))
    assert [one.state for one in points] == ["warning", "warning"]
    assert "db.t3.xlarge" in points[0].words
    assert "geheim" not in str(points)


@pytest.mark.parametrize(
    ("days", "state"), [(None, "ok"), (30, "ok"), (1, "warning"), (-1, "warning")]
)  # fmt: skip
def test_maintenance_matters_when_it_comes_soon(days: float | None, state: str) -> None:
    at = None if days is None else NOW + timedelta(days=days)
    point = judge_maintenance([Maintenance("system-update", "New operating system", at)], NOW)
    assert (point.state, "system-update" in point.words) == (state, True)
    assert judge_maintenance([], NOW).state == "ok"


@pytest.mark.parametrize(
    ("category", "age", "state"),
    [("backup", 1, "ok"), ("failover", 1, "warning"), ("availability", 300, "warning"), ("low storage", 10, "critical"),
     ("low storage", 300, "warning"), ("failure", -1, "critical")],
)  # fmt: skip
def test_events(category: str, age: float, state: str) -> None:
    point = judge_event(Event(NOW - timedelta(minutes=age), "It happened", (category,)), NOW)
    assert (point.state, "It happened" in point.words) == (state, True)


def test_events_are_told_newest_first_and_the_gravest_leads() -> None:
    points = [Point("ok", "backup"), Point("warning", "restart"), Point("critical", "full"), Point("ok", "older")]
    found = EVENTS.conclude(points)
    assert (found.state, found.evidence) == ("critical", ["backup", "restart", "full", "older"])
    assert found.summary == "2 events of the last day matter. full restart"
    assert EVENTS.conclude([]).state == "ok"


def test_storage_by_what_is_left() -> None:
    for percent, state in ((50, "ok"), (8, "warning"), (3, "critical")):
        assert judge_storage(instance(), readings([percent * GIB] * 10)).state == state
    assert judge_storage(instance(), []).state == "unknown"
    growing = judge_storage(instance(MaxAllocatedStorage=200), readings([3 * GIB] * 10))
    assert (growing.state, "to 214.7 GB" in growing.words) == ("warning", True)


@pytest.mark.parametrize(("gib_a_step", "state"), [(1.0, "critical"), (0.08, "warning"), (0.01, "ok"), (-1.0, "ok")])
def test_storage_by_when_it_is_full(gib_a_step: float, state: str) -> None:
    series = readings([(50 - gib_a_step * (number - 19)) * GIB for number in range(20)])
    point = judge_storage(instance(), series)
    assert (point.state, "full in" in point.words) == (state, gib_a_step > 0)


def test_credits_lead_to_a_larger_class_and_only_burstable_classes_have_them() -> None:
    assert is_burstable(instance())
    assert not is_burstable(instance(DBInstanceClass="db.m6g.large"))
    assert judge_credits(instance(), readings([800.0] * 5), POLICY).state == "ok"
    spent = judge_credits(instance(), readings([0.0] * 5), POLICY)
    assert (spent.state, suggested(spent)) == ("warning", ["rds_change_class"])
    falling = judge_credits(instance(), readings([500 - 20.0 * number for number in range(20)]), POLICY)
    assert (falling.state, "spent in" in falling.words) == ("warning", True)
    assert suggested(judge_credits(instance(DBInstanceClass="db.t3.xlarge"), readings([0.0]), POLICY)) == []


FIGURES = st.floats(1.0, 1e15)


@given(FIGURES, st.integers(0, 50))
def test_a_flat_series_never_ends(value: float, length: int) -> None:
    assert time_until_empty(readings([value] * length)) is None


@given(st.lists(FIGURES, min_size=1, max_size=50))
def test_a_growing_series_never_ends(values: list[float]) -> None:
    assert time_until_empty(readings(sorted(values))) is None


@given(st.lists(st.floats(-1e15, 1e15), max_size=50))
def test_whatever_the_series_an_end_lies_ahead_or_is_not_told(values: list[float]) -> None:
    found = time_until_empty(readings(values))
    assert found is None or timedelta(0) <= found <= LONGEST


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(4, 50))
def test_a_steady_fall_ends_when_it_says(step: int, steps_left: int, length: int) -> None:
    """`steps_left` steps of five minutes after the last figure."""
    values = [float(step * (steps_left + length - 1 - number)) for number in range(length)]
    found = time_until_empty(readings(values))
    assert found is not None
    assert found.total_seconds() == pytest.approx(300 * steps_left, rel=1e-6)
