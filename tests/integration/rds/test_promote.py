"""Promotion: of a replica only, with its lag known and small; for good; the old primary is not forgotten."""

from __future__ import annotations

import pytest

from tests.integration.rds.conftest import PRIMARY, Aws
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until

REPLICA = "traitortrack-replica-1"


@pytest.fixture
def replica(aws: Aws) -> str:
    """A streaming standby of the primary."""
    aws.client.create_db_instance_read_replica(DBInstanceIdentifier=REPLICA, SourceDBInstanceIdentifier=PRIMARY)
    wait_until("the replica", lambda: aws.rds.observe(REPLICA).status == "available")
    aws.stage.cloud.set_replica_lag(REPLICA, 2.0)
    aws.stage.cloud.forget_calls()
    return REPLICA


def test_promoted(aws: Aws, replica: str) -> None:
    """Everything is as it should be but for the old primary, which still takes connections."""
    performance, evidence = perform(aws.world, "rds_promote_replica", instance=replica)
    assert [verdict.name for verdict in bad(evidence)] == ["Old primary"]
    promoted = aws.rds.observe(replica)
    assert (promoted.source, promoted.retention_days, promoted.backup_window) == (None, 7, "03:00-04:00")
    assert aws.count(replica) == aws.count(PRIMARY)
    assert performance.plan.loss.seconds == 2.0
    assert performance.plan.way_back.startswith("None")
    performance.again()
    assert aws.calls() == ["PromoteReadReplica"]


def test_lost_answer(aws: Aws, replica: str) -> None:
    aws.stage.cloud.fail("lost", "PromoteReadReplica")
    _, evidence = perform(aws.world, "rds_promote_replica", instance=replica)
    assert [verdict.name for verdict in bad(evidence)] == ["Old primary"]
    assert aws.calls() == ["PromoteReadReplica"]


@pytest.mark.parametrize(("lag_s", "why"), [(-1, "is not known"), (301, "the policy allows 5 min")])
def test_lag(aws: Aws, replica: str, lag_s: float, why: str) -> None:
    """Unknown or too much is refused when planned, and when it became so since."""
    performance = prepare(aws.world, "rds_promote_replica", instance=replica)
    aws.stage.cloud.set_replica_lag(replica, lag_s)
    assert why in refusal(aws.world, "rds_promote_replica", instance=replica)
    assert why in performance.fail()
    assert aws.rds.observe(replica).source == PRIMARY
    assert aws.calls() == []


def test_no_replica(aws: Aws) -> None:
    assert "is no read replica" in refusal(aws.world, "rds_promote_replica", instance=PRIMARY)
    assert aws.calls() == []
