"""What is behind the endpoints: real rows, to the very commit, and real failovers and standbys."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from bot.sandbox.cloud import Cloud
from bot.sandbox.postgres_cluster import Cluster
from tests.integration.sandbox.waiting import wait_for

from .asking import PRIMARY, count_bags, describe, list_messages, refused, wait_until
from .conftest import DATABASE, OpenClient

DEFAULTS = {
    "MultiAZ": False,
    "DeletionProtection": False,
    "CopyTagsToSnapshot": False,
    "IAMDatabaseAuthenticationEnabled": False,
    "AutoMinorVersionUpgrade": True,
    "PubliclyAccessible": True,
    "EnabledCloudwatchLogsExports": [],
    "TagList": [],
}


def add_bags(cluster: Cluster, count: int) -> int:
    """Add bags and return how many there are."""
    with psycopg.connect(cluster.url(DATABASE)) as connection:
        connection.execute("INSERT INTO bag SELECT FROM generate_series(1, %s)", [count])
        row = connection.execute("SELECT count(*) FROM bag").fetchone()
    assert row is not None
    return int(row[0])


def wait_until_restorable(rds: Any, at: datetime) -> None:
    wait_for(lambda: describe(rds, PRIMARY)["LatestRestorableTime"] >= at, f"restorable to {at}")


def test_a_restore_to_a_time_has_what_was_committed_until_then(
    cloud: Cloud, warehouse: Cluster, rds: Any, name: str
) -> None:
    wait_until_restorable(rds, datetime.now(UTC))
    before = add_bags(warehouse, 3)
    at = datetime.now(UTC)
    time.sleep(0.001)  # so that what follows is later, by the clock's resolution
    add_bags(warehouse, 500)
    restore = {"SourceDBInstanceIdentifier": PRIMARY, "TargetDBInstanceIdentifier": name}
    future = refused(
        "InvalidParameterValue",
        rds.restore_db_instance_to_point_in_time,
        RestoreTime=datetime.now(UTC) + timedelta(minutes=1),
        **restore,
    )
    assert "later than" in future
    wait_until_restorable(rds, at)
    made = rds.restore_db_instance_to_point_in_time(RestoreTime=at, **restore)["DBInstance"]
    assert made["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in made
    wait_until(rds, name)
    restored, primary = describe(rds, name), describe(rds, PRIMARY)
    assert count_bags(warehouse, restored) == (before, False)
    assert restored["Endpoint"] != primary["Endpoint"]
    assert {key: restored.get(key) for key in DEFAULTS} == DEFAULTS
    for group in ("VpcSecurityGroups", "DBSubnetGroup", "DBParameterGroups"):
        assert restored[group] != primary[group]
    assert restored["DBInstanceClass"] == primary["DBInstanceClass"]
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_for(lambda: not answers(warehouse, restored), "the end of the restored server")


def test_a_restore_with_the_sources_settings_has_them(warehouse: Cluster, rds: Any, name: str) -> None:
    primary = describe(rds, PRIMARY)
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=PRIMARY,
        TargetDBInstanceIdentifier=name,
        UseLatestRestorableTime=True,
        DBSubnetGroupName=primary["DBSubnetGroup"]["DBSubnetGroupName"],
        DBParameterGroupName=primary["DBParameterGroups"][0]["DBParameterGroupName"],
        VpcSecurityGroupIds=[group["VpcSecurityGroupId"] for group in primary["VpcSecurityGroups"]],
        MultiAZ=True,
        DeletionProtection=True,
        Tags=primary["TagList"],
    )
    wait_until(rds, name)
    restored = describe(rds, name)
    for member in (
        "DBSubnetGroup",
        "DBParameterGroups",
        "VpcSecurityGroups",
        "MultiAZ",
        "DeletionProtection",
        "TagList",
    ):
        assert restored[member] == primary[member]


def test_what_cannot_be_restored_is_refused(cloud: Cloud, warehouse: Cluster, rds: Any, name: str) -> None:
    restore, target = rds.restore_db_instance_to_point_in_time, {"TargetDBInstanceIdentifier": f"{name}-restored"}
    earliest = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=PRIMARY)
    window = earliest["DBInstanceAutomatedBackups"][0]["RestoreWindow"]
    too_early = window["EarliestTime"] - timedelta(seconds=1)
    source = {"SourceDBInstanceIdentifier": PRIMARY, **target}
    refused("InvalidParameterValue", restore, RestoreTime=too_early, **source)
    refused("InvalidParameterCombination", restore, **source)
    refused("InvalidParameterCombination", restore, RestoreTime=too_early, UseLatestRestorableTime=True, **source)
    taken = {"SourceDBInstanceIdentifier": PRIMARY, "TargetDBInstanceIdentifier": PRIMARY}
    refused("DBInstanceAlreadyExists", restore, UseLatestRestorableTime=True, **taken)
    cloud.adopt_rds_instance(name, None, BackupRetentionPeriod=0)
    without = {"SourceDBInstanceIdentifier": name, **target}
    refused("PointInTimeRestoreNotEnabled", restore, UseLatestRestorableTime=True, **without)


def test_a_failover_ends_connections_and_keeps_what_was_committed(cloud: Cloud, warehouse: Cluster, rds: Any) -> None:
    before = add_bags(warehouse, 1)
    with psycopg.connect(warehouse.url(DATABASE)) as connection:
        rds.reboot_db_instance(DBInstanceIdentifier=PRIMARY, ForceFailover=True)
        with pytest.raises(psycopg.OperationalError):
            hold_until_it_ends(connection)
    wait_until(rds, PRIMARY)
    assert add_bags(warehouse, 1) == before + 1
    assert "Multi-AZ instance failover completed" in list_messages(rds, PRIMARY)


def test_a_snapshot_can_be_copied_to_another_region_and_restored_there(
    warehouse: Cluster, rds: Any, open_client: OpenClient, name: str
) -> None:
    bags = add_bags(warehouse, 1)
    taken = rds.create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=name)["DBSnapshot"]
    assert (taken["Status"], taken["PercentProgress"]) == ("creating", 0)
    assert describe(rds, PRIMARY)["DBInstanceStatus"] == "backing-up"
    west = open_client("rds", "us-west-2")
    copy = {"SourceDBSnapshotIdentifier": taken["DBSnapshotArn"], "TargetDBSnapshotIdentifier": name}
    refused("InvalidDBSnapshotState", west.copy_db_snapshot, SourceRegion="us-east-1", **copy)
    wait_for_snapshot(rds, name)
    assert taken["TagList"] == describe(rds, PRIMARY)["TagList"]
    add_bags(warehouse, 7)
    refused("DBSnapshotAlreadyExists", rds.create_db_snapshot, DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=name)
    copied = west.copy_db_snapshot(SourceRegion="us-east-1", KmsKeyId="alias/aws/rds", **copy)["DBSnapshot"]
    assert (copied["SourceRegion"], copied["Encrypted"], copied["TagList"]) == ("us-east-1", True, [])
    from_copy = {"DBInstanceIdentifier": name, "DBSnapshotIdentifier": name}
    refused("InvalidDBSnapshotState", west.restore_db_instance_from_db_snapshot, **from_copy)
    wait_for_snapshot(west, name)
    west.restore_db_instance_from_db_snapshot(**from_copy)
    wait_until(west, name)
    assert count_bags(warehouse, describe(west, name)) == (bags, False)
    refused("DBInstanceNotFound", rds.describe_db_instances, DBInstanceIdentifier=name)


def test_a_replica_follows_until_it_is_promoted(
    cloud: Cloud, warehouse: Cluster, rds: Any, open_client: OpenClient, name: str
) -> None:
    refused("InvalidDBInstanceState", rds.promote_read_replica, DBInstanceIdentifier=PRIMARY)
    assert read_lag(open_client, PRIMARY) is None
    rds.create_db_instance_read_replica(DBInstanceIdentifier=name, SourceDBInstanceIdentifier=PRIMARY)
    wait_until(rds, name)
    replica = describe(rds, name)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == PRIMARY
    assert name in describe(rds, PRIMARY)["ReadReplicaDBInstanceIdentifiers"]
    bags = add_bags(warehouse, 1)
    wait_for(lambda: count_bags(warehouse, replica) == (bags, True), "the new bag on the standby")
    wait_for(lambda: read_lag(open_client, name) == 0, "no lag")
    cloud.set_replica_lag(name, -1)
    assert read_lag(open_client, name) == -1
    rds.promote_read_replica(DBInstanceIdentifier=name)
    wait_for(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in describe(rds, name), "the promotion")
    wait_until(rds, name)
    promoted = describe(rds, name)
    assert promoted["BackupRetentionPeriod"] == 1
    assert name not in describe(rds, PRIMARY)["ReadReplicaDBInstanceIdentifiers"]
    assert count_bags(warehouse, promoted) == (bags, False)
    refused("InvalidDBInstanceState", rds.promote_read_replica, DBInstanceIdentifier=name)


def test_a_new_password_is_the_databases(warehouse: Cluster, rds: Any, name: str) -> None:
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=PRIMARY, TargetDBInstanceIdentifier=name, UseLatestRestorableTime=True
    )
    wait_until(rds, name)
    rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="a new one", ApplyImmediately=True)
    wait_for(lambda: describe(rds, name)["PendingModifiedValues"] == {}, "the new password")
    port = describe(rds, name)["Endpoint"]["Port"]
    with psycopg.connect(host="127.0.0.1", port=port, user="postgres", password="a new one", dbname="postgres"):
        pass


def answers(cluster: Cluster, instance: dict[str, Any]) -> bool:
    try:
        return count_bags(cluster, instance)[0] > 0
    except psycopg.OperationalError:
        return False


def hold_until_it_ends(connection: psycopg.Connection) -> None:
    connection.execute("SET statement_timeout = '30s'")
    connection.execute("SELECT pg_sleep(30)")


def wait_for_snapshot(rds: Any, name: str) -> None:
    def done() -> bool:
        snapshot = rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]
        return bool(snapshot["Status"] == "available" and snapshot["PercentProgress"] == 100)

    wait_for(done, f"snapshot {name}", deadline_s=60)


def read_lag(open_client: OpenClient, name: str) -> float | None:
    now = datetime.now(UTC)
    points = open_client("cloudwatch").get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="ReplicaLag",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": name}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return float(points[0]["Maximum"]) if points else None
