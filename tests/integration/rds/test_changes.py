"""Changes of an instance's settings: what comes along is shown, what is asked for is waited for, and asked for once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.rds.conftest import PRIMARY, Aws
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until

SINGLE = "single"
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("rds_enable_multi_az", {}),
    ("rds_change_class", {"instance_class": "db.t3.xlarge"}),
    ("rds_backup_settings", {"retention_days": 14, "window": "01:00-02:00"}),
]
each_change = pytest.mark.parametrize(("action", "given"), CHANGES, ids=[name for name, _ in CHANGES])


@pytest.fixture
def single(aws: Aws) -> str:
    """An instance without a standby, and without a database that answers."""
    aws.stage.cloud.adopt_rds_instance(SINGLE, None, DBInstanceClass="db.t3.large")
    return SINGLE


@each_change
def test_changed(aws: Aws, single: str, action: str, given: dict[str, Any]) -> None:
    performance, evidence = perform(aws.world, action, instance=single, **given)
    assert bad(evidence) == []
    assert aws.calls() == ["ModifyDBInstance"]
    performance.again()
    assert aws.calls() == ["ModifyDBInstance"]
    assert "already" in refusal(aws.world, action, instance=single, **given)


@each_change
def test_lost_answer(aws: Aws, single: str, action: str, given: dict[str, Any]) -> None:
    aws.stage.cloud.fail("lost", "ModifyDBInstance")
    _, evidence = perform(aws.world, action, instance=single, **given)
    assert bad(evidence) == []
    assert len(aws.calls("ModifyDBInstance")) == 1


@each_change
def test_bad_state(aws: Aws, single: str, action: str, given: dict[str, Any]) -> None:
    aws.stage.cloud.stick_rds_instance(single, "storage-full")
    assert "storage-full" in refusal(aws.world, action, instance=single, **given)
    aws.stage.cloud.stick_rds_instance(single, None)
    performance = prepare(aws.world, action, instance=single, **given)
    aws.stage.cloud.stick_rds_instance(single, "incompatible-parameters")
    assert "single is incompatible-parameters with" in performance.fail()


@each_change
def test_what_comes_along_is_shown(aws: Aws, single: str, action: str, given: dict[str, Any]) -> None:
    """A change that waits for the window is applied with ours; one that comes to wait later voids the plan."""
    aws.client.modify_db_instance(DBInstanceIdentifier=single, AllocatedStorage=80)
    performance = prepare(aws.world, action, instance=single, **given)
    assert any("AllocatedStorage becomes 80" in note for note in performance.plan.notes)
    aws.client.modify_db_instance(DBInstanceIdentifier=single, EngineVersion="15.9")
    now = performance.action.observe(aws.world, performance.context.parameters)
    moved = performance.action.moved(performance.plan.observed, now)
    assert len(moved) == 1
    assert "EngineVersion" in moved[0]


def test_a_change_that_waits_is_not_taken_for_done(aws: Aws, single: str) -> None:
    """Somebody has asked for the class in the next window: it is not so yet."""
    aws.client.modify_db_instance(DBInstanceIdentifier=single, DBInstanceClass="db.t3.xlarge")
    performance, evidence = perform(aws.world, "rds_change_class", instance=single, instance_class="db.t3.xlarge")
    assert bad(evidence) == []
    assert aws.rds.observe(single).instance_class == "db.t3.xlarge"
    undo = performance.action.undo(performance.context.parameters, performance.plan, {})
    assert undo is not None
    assert undo.parameters == {"instance": single, "instance_class": "db.t3.large"}


def test_class_that_cannot_be_checked_is_said_so(aws: Aws, single: str) -> None:
    """This cloud lists no classes of PostgreSQL."""
    plan = prepare(aws.world, "rds_change_class", instance=single, instance_class="db.t3.xlarge").plan
    assert any("RDS does not list its classes" in note for note in plan.notes)
    assert "instance_class" in refusal(aws.world, "rds_change_class", instance=single, instance_class="t3.xlarge")


def test_downtime_of_a_class_change_is_seen(aws: Aws) -> None:
    before = aws.rds.observe(PRIMARY).instance_class
    performance, evidence = perform(aws.world, "rds_change_class", instance=PRIMARY, instance_class="db.t3.xlarge")
    assert bad(evidence) == []
    assert float(str(evidence.measured["downtime_s"])) > 0
    assert performance.plan.downtime.seconds == 120
    aws.client.modify_db_instance(DBInstanceIdentifier=PRIMARY, DBInstanceClass=before, ApplyImmediately=True)
    wait_until("the class before", lambda: aws.rds.observe(PRIMARY).instance_class == before)


def test_shorter_retention_says_what_is_lost(aws: Aws, single: str) -> None:
    given = {"instance": single, "window": "01:00-02:00"}
    perform(aws.world, "rds_backup_settings", retention_days=10, **given)
    performance = prepare(aws.world, "rds_backup_settings", retention_days=3, **given)
    assert "older than 3 days is deleted for good" in performance.plan.loss.words
    for days in (0, 36):
        assert "retention_days" in refusal(aws.world, "rds_backup_settings", retention_days=days, **given)
    assert "window" in refusal(
        aws.world, "rds_backup_settings", instance=single, retention_days=7, window="24:00-25:00"
    )
