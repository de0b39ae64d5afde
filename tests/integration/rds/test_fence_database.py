"""Nobody writes to the old database any more: shut at the door, stopped where there is none, or said to be neither."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bot.recovery.action import World
from bot.sandbox.stage import DATABASE
from tests.integration.rds.conftest import PRIMARY, Aws, is_open, port_of
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until

pytestmark = pytest.mark.usefixtures("doors")
DEAF = "traitortrack-deaf"


def test_shut_and_opened_again(aws: Aws, copy: str, secret: str) -> None:
    url = make_conninfo(aws.stage.application_url, port=port_of(aws, copy))
    with psycopg.connect(url) as late:
        done, evidence = perform(aws.world, "fence_database", database=DATABASE, instance=copy)
        assert bad(evidence) == []
        with pytest.raises(psycopg.OperationalError):
            late.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(url)
    assert "secret leads elsewhere" in str(done.plan.notes)
    done.again()
    assert not is_open(aws, copy), "a second time does no harm"
    undo = done.action.undo(done.context.parameters, done.plan, done.context.outputs)
    assert undo is not None
    back, evidence = perform(aws.world, undo.action, **undo.parameters)
    assert "it does not see" in str(back.plan.notes)
    assert bad(evidence) == []
    psycopg.connect(url).close()
    assert aws.calls() == [], "AWS is not asked for anything"


def test_the_plan_says_that_the_application_is_there(aws: Aws, secret: str) -> None:
    plan = prepare(aws.world, "fence_database", database=DATABASE, instance=PRIMARY).plan
    assert "THE APPLICATION USES IT" in str(plan.notes)
    assert plan.downtime.seconds is None


def test_shut_before_its_replica_is_promoted_nothing_is_lost(aws: Aws) -> None:
    """The shut door is received by the replica with all that was written before it; its promotion opens it there."""
    replica = "traitortrack-replica-1"
    aws.client.create_db_instance_read_replica(DBInstanceIdentifier=replica, SourceDBInstanceIdentifier=PRIMARY)
    wait_until("the replica", lambda: aws.rds.observe(replica).status == "available")
    aws.stage.cloud.set_replica_lag(replica, 1.0)
    assert "It is a replica" in refusal(aws.world, "fence_database", database=DATABASE, instance=replica)
    done, evidence = perform(aws.world, "fence_database", database=DATABASE, instance=PRIMARY)
    assert bad(evidence) == []
    assert f"{replica} receives the shut door" in str(done.plan.notes)
    _, evidence = perform(aws.world, "rds_promote_replica", instance=replica)
    assert bad(evidence) == [], "not even the old primary"
    assert (is_open(aws, replica), is_open(aws, PRIMARY)) == (True, False)


def test_where_its_server_cannot_be_reached_the_instance_is_stopped(aws: Aws) -> None:
    aws.stage.cloud.adopt_rds_instance(DEAF, None)
    aws.stage.cloud.forget_calls()
    done, evidence = perform(aws.world, "fence_database", database=DATABASE, instance=DEAF)
    assert (bad(evidence), aws.rds.observe(DEAF).status) == ([], "stopped")
    done.again()
    assert aws.calls() == ["StopDBInstance"]
    _, evidence = perform(aws.world, "fence_database", database=DATABASE, instance=DEAF, door="open")
    assert (bad(evidence), aws.rds.observe(DEAF).status) == ([], "available")


def test_nothing_can_be_reached(aws: Aws) -> None:
    """A region that does not answer is noticed within seconds, and nothing is called fenced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:9")
        words = refusal(aws.world, "fence_database", database=DATABASE, instance=PRIMARY)
    assert "us-east-1 does not answer" in words
    assert "Nothing can be fenced from here" in words


def test_refused(aws: Aws) -> None:
    assert "name either" in refusal(aws.world, "fence_database", database=DATABASE)
    assert "no RDS instance" in refusal(aws.world, "fence_database", database=DATABASE, instance="nobody")
    assert "does not live on RDS" in refusal(aws.world, "fence_database", database="other", instance=PRIMARY)
    nowhere = World(aws.world.policy, {}, aws.world.now)
    assert "cannot be reached" in refusal(nowhere, "fence_database", database=DATABASE, instance=PRIMARY)
