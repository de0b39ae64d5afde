"""Forced failover: only with a standby, once, watched by a client, proven by an event and a write."""

from __future__ import annotations

import pytest

from bot.outcome import Failed, Refused
from tests.integration.rds.conftest import PRIMARY, Aws
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until


def test_failed_over(aws: Aws) -> None:
    performance, evidence = perform(aws.world, "rds_failover", instance=PRIMARY)
    assert bad(evidence) == []
    assert performance.plan.loss.rows == 0
    assert aws.calls() == ["RebootDBInstance"]
    assert float(str(evidence.measured["downtime_s"])) > 0
    assert "seen by a client" in str(evidence.measured["downtime"])


def test_after_a_crash_no_second_one(aws: Aws) -> None:
    """The client that watched died with the bot: then the downtime is what lies between RDS's events."""
    performance = prepare(aws.world, "rds_failover", instance=PRIMARY)
    performance.run(until="application")
    preflight = performance.context.outputs["preflight"]
    step = next(one for one in performance.action.steps() if one.name == "failover")
    performance.context.outputs = {"preflight": preflight}
    assert step.happened is not None
    facts = step.happened(performance.context)
    assert facts is not None
    assert facts["seen_by"] == "between RDS's events"
    performance.run()
    assert bad(performance.prove()) == []
    assert aws.calls("RebootDBInstance") == ["RebootDBInstance"]


def test_lost_answer_is_no_reason_to_do_it_again(aws: Aws) -> None:
    aws.stage.cloud.fail("lost", "RebootDBInstance")
    _, evidence = perform(aws.world, "rds_failover", instance=PRIMARY)
    assert bad(evidence) == []
    assert aws.calls("RebootDBInstance") == ["RebootDBInstance"]


def test_refused_without_a_standby(aws: Aws) -> None:
    aws.stage.cloud.adopt_rds_instance("single", None)
    assert "Multi-AZ is off" in refusal(aws.world, "rds_failover", instance="single")
    assert aws.calls() == []


def test_standby_given_up_since_the_plan(aws: Aws) -> None:
    aws.stage.cloud.adopt_rds_instance("double", None, MultiAZ=True)
    performance = prepare(aws.world, "rds_failover", instance="double")
    aws.client.modify_db_instance(DBInstanceIdentifier="double", MultiAZ=False, ApplyImmediately=True)
    wait_until("the end of the standby", lambda: not aws.rds.observe("double").multi_az)
    aws.settle("double")
    with pytest.raises(Refused, match="Multi-AZ is off"):
        performance.action.observe(aws.world, performance.context.parameters)
    assert "reports no failover of this run" in performance.fail()


def test_bad_state_on_the_way_is_told(aws: Aws) -> None:
    aws.stage.cloud.adopt_rds_instance("double", None, MultiAZ=True)
    performance = prepare(aws.world, "rds_failover", instance="double")
    aws.stage.cloud.stick_rds_instance("double", "storage-full")
    with pytest.raises(Failed, match="double is storage-full"):
        performance.run()
    assert aws.calls("RebootDBInstance") == []
