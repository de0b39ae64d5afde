"""A replica that is made: once, with every setting of the primary, in either region; and how it goes again."""

from __future__ import annotations

from typing import Any

from bot.recovery.action import World
from bot.sandbox.primary_instance import GROUP, PARAMETER_GROUP
from bot.systems.rds import Rds
from tests.integration.rds.conftest import NEW, PRIMARY, SECOND, Aws
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until

REPLICA = "traitortrack-replica-1"
AWAY: dict[str, Any] = {"source": PRIMARY, "region": "secondary", "new_instance": REPLICA}
HOME: dict[str, Any] = {"source": REPLICA, "source_region": "secondary", "region": "primary", "new_instance": NEW}
CALLS = ["CreateDBInstanceReadReplica", "ModifyDBInstance"]


def test_made_in_the_second_region_and_deleted(aws: Aws, second: Rds, away: str, secret: str) -> None:
    performance, evidence = perform(aws.world, "rds_create_replica", **AWAY)
    assert bad(evidence) == []
    made, primary = second.observe(REPLICA), aws.rds.observe(PRIMARY).description
    assert made.source == primary["DBInstanceArn"]
    assert made.description["DBSubnetGroup"]["DBSubnetGroupName"] == GROUP
    assert made.description["DBParameterGroups"][0]["DBParameterGroupName"] == PARAMETER_GROUP
    assert [one["VpcSecurityGroupId"] for one in made.description["VpcSecurityGroups"]] == [away]
    alike = ("DBInstanceClass", "MultiAZ", "PubliclyAccessible", "PreferredMaintenanceWindow", "StorageType")
    assert [made.description[name] for name in alike] == [primary[name] for name in alike]  # type: ignore[literal-required]
    assert {"Key": "team", "Value": "warehouse"} in made.description["TagList"]
    performance.again()
    assert aws.calls(*CALLS) == CALLS

    back = performance.action.undo(performance.context.parameters, performance.plan, performance.context.outputs)
    assert back is not None
    assert "protected against deletion" in refusal(aws.world, back.action, **back.parameters)
    second.acting.modify_db_instance(DBInstanceIdentifier=REPLICA, DeletionProtection=False)
    wait_until("its end of protection", lambda: not second.observe(REPLICA).protected)
    wait_until("the replica", lambda: second.observe(REPLICA).status == "available")
    deletion, evidence = perform(aws.world, back.action, **back.parameters)
    assert (bad(evidence), second.find(REPLICA)) == ([], None)
    assert aws.rds.observe(PRIMARY).replicas == []
    deletion.again()
    assert aws.calls("DeleteDBInstance", "CreateDBSnapshot") == ["DeleteDBInstance"]


def test_made_at_home_like_the_primary_that_was_left_behind(aws: Aws, second: Rds) -> None:
    """Encrypted, so it has a key of its own region; with the groups of the old primary there, not of its source."""
    aws.stage.cloud.adopt_rds_instance(
        REPLICA, None, region=SECOND, BackupRetentionPeriod=7, StorageEncrypted=True, DBSubnetGroupName=GROUP
    )
    performance, evidence = perform(aws.world, "rds_create_replica", **HOME)
    assert bad(evidence) == []
    assert any("encrypted with alias/aws/rds of us-east-1" in note for note in performance.plan.notes)
    made, primary = aws.rds.observe(NEW).description, aws.rds.observe(PRIMARY).description
    for name in ("DBSubnetGroup", "VpcSecurityGroups", "DBInstanceClass", "MultiAZ", "MaxAllocatedStorage"):
        assert made[name] == primary[name]
    assert made["DBParameterGroups"][0]["DBParameterGroupName"] == "tuned"
    assert (made["KmsKeyId"], made["BackupRetentionPeriod"]) == ("alias/aws/rds", 0)


def test_lost_answer_and_lag(aws: Aws) -> None:
    """Found by its name; done only once it has caught up; a failure leaves it where it is."""
    aws.stage.cloud.fail("lost", "CreateDBInstanceReadReplica")
    performance = prepare(aws.world, "rds_create_replica", source=PRIMARY, new_instance=NEW)
    performance.run(until="follow")
    assert (aws.rds.observe(NEW).source, aws.calls(*CALLS)[:1]) == (PRIMARY, CALLS[:1])
    aws.stage.cloud.set_replica_lag(NEW, 400)
    performance.context.outputs["follow"] = {}
    assert [one.name for one in bad(performance.prove())] == ["Lag"]
    assert "stays" in performance.action.clean_up(performance.context)
    performance.context.cancelled = lambda: True
    del performance.context.outputs["follow"]
    assert "was deleted again" in performance.fail()
    assert (aws.rds.find(NEW), aws.rds.observe(PRIMARY).replicas) == (None, [])


def test_refused(aws: Aws, second: Rds) -> None:
    assert "There is an RDS instance" in refusal(aws.world, "rds_create_replica", source=PRIMARY, new_instance=PRIMARY)
    cloud = aws.stage.cloud
    cloud.adopt_rds_instance(REPLICA, None, region=SECOND, BackupRetentionPeriod=0)
    assert "no automated backups" in refusal(aws.world, "rds_create_replica", **HOME)
    rules = aws.world.policy.infrastructure
    for changed, given, why in (
        ({"second_region": None}, AWAY | {"new_instance": "other"}, "second region"),
        ({"instance": "nothing"}, HOME | {"source": "other"}, "is not in us-east-1 any more"),
    ):
        if given["source"] == "other":
            cloud.adopt_rds_instance("other", None, region=SECOND, BackupRetentionPeriod=7)
        policy = aws.world.policy.model_copy(
            update={"infrastructure": rules.model_copy(update={"rds": rules.rds.model_copy(update=changed)})}
        )
        world = World(policy, aws.world.environment, aws.world.now)
        assert why in refusal(world, "rds_create_replica", **given)
    assert aws.calls(*CALLS) == []


def test_no_replica_of_a_replica(aws: Aws) -> None:

    aws.client.create_db_instance_read_replica(DBInstanceIdentifier=NEW, SourceDBInstanceIdentifier=PRIMARY)
    aws.settle(NEW)
    assert "is a read replica of" in refusal(aws.world, "rds_create_replica", source=NEW, new_instance="other")
