"""A restore to a moment: settings and rows as they were, begun once, removed where it came to nothing."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import psycopg
import pytest

from bot.clock import utc_now
from bot.systems.rds_settings import find_differences, settings_for_afterwards, settings_for_restore
from tests.integration.rds.conftest import BAGS, NEW, PRIMARY, Aws, minutes
from tests.integration.rds.driver import Performance, bad, perform, prepare, refusal, wait_until


def moment_of(aws: Aws) -> datetime:
    """A moment that has just become restorable."""
    moment = utc_now()
    wait_until("the moment", lambda: (aws.rds.observe(PRIMARY).latest_restorable or moment) > moment)
    return moment


def plan_restore(aws: Aws) -> Performance:
    moment = moment_of(aws)
    return prepare(aws.world, "rds_restore_to_time", instance=PRIMARY, to_time=moment.isoformat(), new_instance=NEW)


def delete_bags(aws: Aws, count: int) -> None:
    with psycopg.connect(aws.stage.application_url) as connection:
        connection.execute("DELETE FROM bag WHERE id IN (SELECT id FROM bag ORDER BY id LIMIT %s)", (count,))


def test_restored_as_it_was(aws: Aws) -> None:
    """Bags are lost after the moment: the new instance has them, the source still has not."""
    moment, before = moment_of(aws), aws.count(PRIMARY)
    delete_bags(aws, 20)
    performance, evidence = perform(
        aws.world, "rds_restore_to_time", instance=PRIMARY, to_time=moment.isoformat(), new_instance=NEW
    )
    assert bad(evidence) == []
    assert (aws.count(NEW), aws.count(PRIMARY)) == (before, before - 20)
    assert performance.plan.loss.rows == 0
    assert performance.plan.back_to == moment
    source, restored = aws.rds.observe(PRIMARY).description, aws.rds.observe(NEW).description
    assert find_differences(settings_for_restore(source), settings_for_restore(restored)).keys() <= {"Port"}
    assert find_differences(settings_for_afterwards(source), settings_for_afterwards(restored)) == {}
    assert aws.calls() == ["RestoreDBInstanceToPointInTime", "ModifyDBInstance"]
    performance.again()
    assert bad(performance.prove()) == []
    assert aws.calls() == ["RestoreDBInstanceToPointInTime", "ModifyDBInstance"]


def test_refused(aws: Aws) -> None:
    def why(moment: datetime, name: str = NEW, instance: str = PRIMARY) -> str:
        given = {"instance": instance, "to_time": moment.isoformat(), "new_instance": name}
        return refusal(aws.world, "rds_restore_to_time", **given)

    assert "cannot be restored yet" in why(utc_now() + minutes(1))
    assert "any more: the backups begin at" in why(utc_now() - minutes(90))
    assert f"an RDS instance {PRIMARY} already" in why(moment_of(aws), name=PRIMARY)
    assert "needs its zone" in why(utc_now().replace(tzinfo=None))
    aws.stage.cloud.adopt_rds_instance("forgetful", None, BackupRetentionPeriod=0)
    assert "keeps no automated backups" in why(moment_of(aws), instance="forgetful")
    assert aws.calls() == []


def test_a_past_moment_that_aws_does_not_have_yet_is_refused(aws: Aws) -> None:
    aws.stage.cloud.change_pace(restorable_lag_s=120)
    try:
        words = refusal(
            aws.world, "rds_restore_to_time",
            instance=PRIMARY, to_time=utc_now().isoformat(), new_instance=NEW,
        )  # fmt: skip
    finally:
        aws.stage.cloud.change_pace(restorable_lag_s=2.0)
    assert "cannot be restored yet: RDS has everything until" in words


@pytest.mark.parametrize("name", ["Two--hyphens", "double--hyphen", "ends-", "1begins", "with space", "x" * 64])
def test_bad_names(aws: Aws, name: str) -> None:
    moment = utc_now().isoformat()
    assert "new_instance" in refusal(
        aws.world, "rds_restore_to_time", instance=PRIMARY, to_time=moment, new_instance=name
    )


def test_lost_answer(aws: Aws) -> None:
    performance = plan_restore(aws)
    aws.stage.cloud.fail("lost", "RestoreDBInstanceToPointInTime")
    performance.run()
    assert bad(performance.prove()) == []
    assert len(aws.calls("RestoreDBInstanceToPointInTime")) == 1


def test_name_taken_since_the_plan(aws: Aws) -> None:
    """Somebody else's instance under the name is neither used nor deleted."""
    performance = plan_restore(aws)
    aws.stage.cloud.adopt_rds_instance(NEW, None)
    words = performance.fail()
    assert f"There is an instance {NEW} already. It was not touched." in words
    assert "is not of this run and was left alone" in words
    assert aws.rds.find(NEW) is not None


@pytest.mark.parametrize("state", ["incompatible-restore", "insufficient-capacity"])
def test_bad_state(aws: Aws, state: str) -> None:
    """It is noticed at once, and what came to nothing is removed where RDS lets it be."""
    performance = plan_restore(aws)
    performance.plan.observed["settings"]["DeletionProtection"] = False  # type: ignore[index, call-overload]
    aws.stage.cloud.stick_rds_instance(NEW, state)
    words = performance.fail()
    assert f"{NEW} is {state}" in words
    assert f"{NEW} was deleted again; the source was not touched." in words
    assert aws.rds.find(NEW) is None


def test_cancelled(aws: Aws) -> None:
    """AWS cannot stop a restore: it is over only when the instance is gone, protected as it is."""
    performance = plan_restore(aws)
    context = performance.context
    performance.context = dataclasses.replace(context, cancelled=lambda: aws.rds.find(NEW) is not None)
    words = performance.fail()
    assert words.startswith("cancelled.")
    assert "was deleted again" in words
    assert aws.rds.find(NEW) is None
    assert aws.count(PRIMARY) <= BAGS


def test_failure_keeps_what_may_become_good(aws: Aws) -> None:
    """AWS is slower than our patience: the instance stays, and a second look finds it."""
    performance = plan_restore(aws)
    performance.run(until="restore")
    aws.stage.cloud.pause()
    rules = aws.world.policy.infrastructure.rds.model_copy(update={"give_up_after": minutes(0.03)})
    hasty = aws.world.policy.model_copy(
        update={"infrastructure": aws.world.policy.infrastructure.model_copy(update={"rds": rules})}
    )
    patient = performance.context.world
    performance.context.world = dataclasses.replace(patient, policy=hasty)
    assert f"{NEW} is creating and stays" in performance.fail()
    aws.stage.cloud.resume()
    performance.context.world = patient
    now = performance.action.observe(patient, performance.context.parameters)
    assert performance.action.moved(performance.plan.observed, now) == [], "a retry would be refused"
    performance.run()
    assert bad(performance.prove()) == []
    assert len(aws.calls("RestoreDBInstanceToPointInTime")) == 1


def test_refused_where_nobody_could_look_into_it_afterwards(aws: Aws) -> None:
    blind = dataclasses.replace(aws.world, environment={})
    given = {"instance": PRIMARY, "to_time": utc_now().isoformat(), "new_instance": NEW}
    assert "HOLDFAST_RECOVERY_DATABASE_URL" in refusal(blind, "rds_restore_to_time", **given)
    assert aws.calls() == []
