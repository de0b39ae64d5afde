"""States over time, and what RDS refuses, without a database behind the instances."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.cloud import Cloud, CloudRefused
from tests.integration.sandbox.waiting import wait_for

from .asking import describe, list_messages, refused, wait_until
from .conftest import OpenClient

NEW = {
    "Engine": "postgres",
    "DBInstanceClass": "db.t3.large",
    "AllocatedStorage": 20,
    "MasterUsername": "master",
    "MasterUserPassword": "correct horse",
}


def test_an_instance_is_created_and_backed_up_before_it_is_available(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.pause()
    made = rds.create_db_instance(DBInstanceIdentifier=name, **NEW)["DBInstance"]
    assert made["DBInstanceStatus"] == "creating"
    assert "LatestRestorableTime" not in made
    cloud.resume()
    seen = wait_until(rds, name)
    assert seen[-1] == "available"
    assert set(seen) <= {"creating", "backing-up", "available"}
    assert list_messages(rds, name) == [
        "DB instance created",
        "Backing up DB instance",
        "Finished DB Instance backup",
    ]
    assert "LatestRestorableTime" in describe(rds, name)


def test_what_is_being_created_cannot_be_changed(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.pause()
    rds.create_db_instance(DBInstanceIdentifier=name, **NEW)
    state = "InvalidDBInstanceState"
    refused(state, rds.modify_db_instance, DBInstanceIdentifier=name, MultiAZ=True)
    refused(state, rds.reboot_db_instance, DBInstanceIdentifier=name)
    refused(state, rds.create_db_snapshot, DBInstanceIdentifier=name, DBSnapshotIdentifier="s")
    refused(state, rds.delete_db_instance, DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    refused(state, rds.create_db_instance_read_replica, DBInstanceIdentifier="r", SourceDBInstanceIdentifier=name)
    cloud.resume()
    wait_until(rds, name)


def test_names_are_unique_and_well_formed(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None)
    refused("DBInstanceAlreadyExists", rds.create_db_instance, DBInstanceIdentifier=name.upper(), **NEW)
    refused("InvalidParameterValue", rds.create_db_instance, DBInstanceIdentifier="two--hyphens", **NEW)
    refused("DBInstanceNotFound", rds.describe_db_instances, DBInstanceIdentifier="nobody")
    with pytest.raises(CloudRefused, match="already exists"):
        cloud.adopt_rds_instance(name, None)


def test_what_does_not_exist_cannot_be_used(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None)
    for code, setting in (
        ("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "nowhere"}),
        ("DBParameterGroupNotFound", {"DBParameterGroupName": "nothing"}),
        ("InvalidParameterValue", {"VpcSecurityGroupIds": ["sg-0123456789"]}),
        ("InvalidParameterValue", {"BackupRetentionPeriod": 36}),
    ):
        refused(code, rds.modify_db_instance, DBInstanceIdentifier=name, **setting)
    refused(
        "InvalidParameterCombination",
        rds.create_db_instance,
        DBInstanceIdentifier="in-two-places",
        MultiAZ=True,
        AvailabilityZone="us-east-1a",
        **NEW,
    )


def test_failover_needs_a_standby(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None)
    refused("InvalidDBInstanceState", rds.reboot_db_instance, DBInstanceIdentifier=name, ForceFailover=True)
    assert describe(rds, name)["DBInstanceStatus"] == "available"


def test_after_a_failover_the_api_names_the_old_zone_for_a_while(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.change_pace(zone_lag_s=60)
    cloud.adopt_rds_instance(name, None, MultiAZ=True)
    rebooting = rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)["DBInstance"]
    assert rebooting["DBInstanceStatus"] == "rebooting"
    refused("InvalidDBInstanceState", rds.reboot_db_instance, DBInstanceIdentifier=name, ForceFailover=True)
    wait_until(rds, name)
    assert describe(rds, name)["AvailabilityZone"] == "us-east-1a"
    assert list_messages(rds, name)[-3:] == [
        "Multi-AZ instance failover started.",
        "DB instance restarted",
        "Multi-AZ instance failover completed",
    ]


def test_after_the_lag_the_zones_are_swapped(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.change_pace(zone_lag_s=0)
    cloud.adopt_rds_instance(name, None, MultiAZ=True)
    rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)
    wait_until(rds, name)
    wait_until_zone(rds, name, "us-east-1b")
    assert describe(rds, name)["SecondaryAvailabilityZone"] == "us-east-1a"


def test_deletion_is_protected_and_wants_a_last_snapshot(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, DeletionProtection=True)
    combination = "InvalidParameterCombination"
    said = refused(combination, rds.delete_db_instance, DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    assert "protected" in said
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    refused(combination, rds.delete_db_instance, DBInstanceIdentifier=name)
    final = f"final-{name}"
    gone = rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=final)["DBInstance"]
    assert gone["DBInstanceStatus"] == "deleting"
    refused("InvalidDBInstanceState", rds.delete_db_instance, DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_until_gone(rds, name)
    assert rds.describe_db_snapshots(DBSnapshotIdentifier=final)["DBSnapshots"][0]["Status"] == "available"


def test_an_instance_can_be_held_in_a_bad_state(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.stick_rds_instance(name, "incompatible-restore")
    rds.create_db_instance(DBInstanceIdentifier=name, **NEW)
    wait_until(rds, name, "incompatible-restore")
    refused("InvalidDBInstanceState", rds.modify_db_instance, DBInstanceIdentifier=name, MultiAZ=True)
    cloud.stick_rds_instance(name, None)
    assert describe(rds, name)["DBInstanceStatus"] == "available"


def test_a_full_instance_can_only_be_enlarged(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, AllocatedStorage=20)
    cloud.stick_rds_instance(name, "storage-full")
    refused("InvalidDBInstanceState", rds.modify_db_instance, DBInstanceIdentifier=name, MultiAZ=True)
    rds.modify_db_instance(DBInstanceIdentifier=name, AllocatedStorage=40, ApplyImmediately=True)


def test_a_replica_in_another_region_outlives_its_source(
    cloud: Cloud, rds: Any, open_client: OpenClient, name: str
) -> None:
    cloud.adopt_rds_instance(name, None)
    arn = describe(rds, name)["DBInstanceArn"]
    west = open_client("rds", "us-west-2")
    follow = {"DBInstanceIdentifier": name, "SourceDBInstanceIdentifier": arn}
    west.create_db_instance_read_replica(SourceRegion="us-east-1", **follow)
    wait_until(west, name)
    replica = describe(west, name)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == arn
    assert describe(rds, name)["ReadReplicaDBInstanceIdentifiers"] == [replica["DBInstanceArn"]]
    final = {"DBInstanceIdentifier": name, "FinalDBSnapshotIdentifier": name}
    refused("InvalidParameterCombination", west.delete_db_instance, **final)
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_until_gone(rds, name)
    assert "ReadReplicaSourceDBInstanceIdentifier" not in describe(west, name)


def test_a_source_without_backups_has_no_replicas(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, BackupRetentionPeriod=0)
    follow = {"DBInstanceIdentifier": "r", "SourceDBInstanceIdentifier": name}
    refused("InvalidDBInstanceState", rds.create_db_instance_read_replica, **follow)


def wait_until_zone(rds: Any, name: str, zone: str) -> None:
    wait_for(lambda: describe(rds, name)["AvailabilityZone"] == zone, zone)


def wait_until_gone(rds: Any, name: str) -> None:
    rds.get_waiter("db_instance_deleted").wait(
        DBInstanceIdentifier=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
    )
