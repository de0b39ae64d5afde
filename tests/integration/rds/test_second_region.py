"""The second region while the first is gone: nothing of the first is asked in vain, and nothing of it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import boto3
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.backups_second_region import CHECK
from bot.policy import Policy
from bot.recovery.action import World
from bot.recovery.actions.rds_copy_snapshot import CopySnapshot
from bot.recovery.registry import find_action
from bot.sandbox.primary_instance import GROUP, PARAMETER_GROUP
from bot.sandbox.stage import DATABASE
from bot.store.documents import Finding
from bot.systems.rds import Rds
from bot.systems.secrets import Secrets
from tests.integration.rds.conftest import NEW, PRIMARY, REGION, SECOND, SECRET, Aws
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until

pytestmark = pytest.mark.usefixtures("doors")
ANY = 100_000


def copy_one(aws: Aws) -> str:
    aws.client.create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=f"s{aws.world.now():%H%M%S%f}")
    aws.settle()
    _, evidence = perform(aws.world, "rds_copy_snapshot", instance=PRIMARY)
    assert bad(evidence) == []
    return str(evidence.measured["snapshot"])


@contextmanager
def without_first_region(aws: Aws) -> Iterator[None]:
    aws.stage.cloud.forget_calls()
    aws.stage.cloud.fail("cut", region=REGION, times=ANY)
    try:
        yield
    finally:
        aws.stage.cloud.stop_failing()


def look(world: World) -> Finding:
    return CHECK.run(Surroundings(world.policy, dict(world.environment), world.now, DATABASE))


def without_instance(policy: Policy) -> Policy:
    """Of a product whose database is not on RDS."""
    places = policy.infrastructure
    rds = places.rds.model_copy(update={"instance": "no-such-instance"})
    return policy.model_copy(update={"infrastructure": places.model_copy(update={"rds": rds})})


def test_copied_once(aws: Aws, second: Rds) -> None:
    name = copy_one(aws)
    action = find_action("rds_copy_snapshot")
    assert action.observe(aws.world, CopySnapshot(instance=PRIMARY))["copy"] == name, "so that a retry can wait for it"
    assert [one.identifier for one in second.list_snapshots(PRIMARY)] == [name]
    assert "already" in refusal(aws.world, "rds_copy_snapshot", instance=PRIMARY)
    assert "cannot be copied" in refusal(aws.world, "rds_copy_snapshot", instance=PRIMARY, snapshot="nothing")
    assert aws.calls("CopyDBSnapshot") == ["CopyDBSnapshot"]


def test_the_check_says_how_old_the_newest_is(aws: Aws, second: Rds) -> None:
    missing = look(aws.world)
    assert (missing.state, [one.action for one in missing.suggests]) == ("critical", ["rds_copy_snapshot"])
    with without_first_region(aws):
        assert look(aws.world).state == "critical"
    elsewhere = look(World(without_instance(aws.world.policy), aws.world.environment, aws.world.now))
    assert (elsewhere.state, "There is no RDS instance" in elsewhere.summary) == ("unknown", True)
    copy_one(aws)
    assert look(aws.world).state == "ok"
    later = World(aws.world.policy, aws.world.environment, lambda: aws.world.now() + timedelta(days=2))
    assert (look(later).state, "One is wanted every" in look(later).summary) == ("warning", True)
    assert "RPO: 5 minutes" in str(look(later).evidence)


def test_restored_and_gone_over_to_while_the_first_is_gone(aws: Aws, second: Rds, away: str, secret: str) -> None:
    """Restore of the newest copy, then the secret, which is a replica there until its replication is ended."""
    copy = copy_one(aws)
    boto3.client("secretsmanager", region_name=REGION).replicate_secret_to_regions(
        SecretId=SECRET, AddReplicaRegions=[{"Region": SECOND}]
    )
    with without_first_region(aws):
        done, evidence = perform(aws.world, "rds_restore_copy", new_instance=NEW)
        assert (bad(evidence), done.plan.observed["snapshot"]) == ([], copy)
        made = second.observe(NEW).description
        assert made["DBSubnetGroup"]["DBSubnetGroupName"] == GROUP
        assert made["DBParameterGroups"][0]["DBParameterGroupName"] == PARAMETER_GROUP
        assert [one["VpcSecurityGroupId"] for one in made["VpcSecurityGroups"]] == [away]
        assert (made["MultiAZ"], made["DeletionProtection"], made["BackupRetentionPeriod"]) == (True, True, 7)
        done.again()
        assert aws.calls("RestoreDBInstanceFromDBSnapshot") == ["RestoreDBInstanceFromDBSnapshot"]

        host, port = second.observe(NEW).address or ("", 0)
        with psycopg.connect(make_conninfo(aws.stage.application_url, port=port, application_name="gunicorn")):
            there, evidence = perform(aws.world, "switch_database", database=DATABASE, instance=NEW, region="secondary")
        assert any("its replication is ended" in note for note in there.plan.notes)
        value = boto3.client("secretsmanager", region_name=SECOND).get_secret_value(SecretId=SECRET)["SecretString"]
        assert f":{port}/" in value
        assert (host, Secrets(SECOND).observe(SECRET).replica_of) == ("127.0.0.1", None)
        names = ["StopReplicationToReplica", "UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage"]
        assert aws.calls(*names) == names
        Secrets(SECOND)._acting.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def test_a_replica_there_is_promoted_while_the_first_region_is_gone(aws: Aws, second: Rds) -> None:
    client, name = boto3.client("rds", region_name=SECOND), "traitortrack-replica-1"
    arn = str(aws.rds.observe(PRIMARY).description["DBInstanceArn"])
    client.create_db_instance_read_replica(
        DBInstanceIdentifier=name, SourceDBInstanceIdentifier=arn, SourceRegion=REGION
    )
    wait_until("the replica", lambda: second.observe(name).status == "available")
    aws.stage.cloud.set_replica_lag(name, -1, region=SECOND)
    with without_first_region(aws):
        given = {"instance": name, "region": "secondary"}
        assert "is not known" in refusal(aws.world, "rds_promote_replica", **given)
        done, evidence = perform(aws.world, "rds_promote_replica", any_lag=True, **given)
        assert (done.plan.loss.seconds, bad(evidence), second.observe(name).source) == (None, [], None)
        assert [one.name for one in evidence.verdicts if one.unknown] == ["Old primary"]
        done.again()
        assert aws.calls("PromoteReadReplica") == ["PromoteReadReplica"]


def test_refused(aws: Aws, second: Rds) -> None:
    assert "There is no copy of a snapshot" in refusal(aws.world, "rds_restore_copy", new_instance=NEW)
    assert "is not there in" in refusal(aws.world, "rds_restore_copy", new_instance=NEW, snapshot="nothing")
    copy_one(aws)
    rules = aws.world.policy.infrastructure
    bare = rules.model_copy(update={"rds": rules.rds.model_copy(update={"second_region": None})})
    policy = aws.world.policy.model_copy(update={"infrastructure": bare})
    world = World(policy, aws.world.environment, aws.world.now)
    assert "second_region" in refusal(world, "rds_restore_copy", new_instance=NEW)
    performance = prepare(aws.world, "rds_restore_copy", new_instance=NEW)
    boto3.client("rds", region_name=SECOND).delete_db_snapshot(
        DBSnapshotIdentifier=str(performance.plan.observed["snapshot"])
    )
    assert "No instance was made" in performance.fail()
