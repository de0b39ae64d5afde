"""ModifyDBInstance: what waits for the maintenance window, what does not, and what comes along."""

from __future__ import annotations

from typing import Any

from bot.sandbox.cloud import Cloud
from tests.integration.sandbox.waiting import wait_for

from .asking import describe, refused, wait_until


def test_a_change_waits_for_the_maintenance_window(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, DBInstanceClass="db.t3.large")
    changed = rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.xlarge")["DBInstance"]
    assert changed["PendingModifiedValues"] == {"DBInstanceClass": "db.t3.xlarge"}
    assert changed["DBInstanceClass"] == "db.t3.large"
    assert changed["DBInstanceStatus"] == "available"
    cloud.open_maintenance_window(name)
    after = wait_until_nothing_is_pending(rds, name)
    assert (after["DBInstanceClass"], after["DBInstanceStatus"]) == ("db.t3.xlarge", "available")


def test_available_is_reported_before_a_change_has_begun(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, DBInstanceClass="db.t3.large")
    cloud.change_pace(modifying_s=600)
    cloud.pause()
    changed = rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.xlarge", ApplyImmediately=True)
    assert changed["DBInstance"]["DBInstanceStatus"] == "available"
    assert changed["DBInstance"]["DBInstanceClass"] == "db.t3.large"
    assert changed["DBInstance"]["PendingModifiedValues"] == {"DBInstanceClass": "db.t3.xlarge"}
    cloud.resume()
    wait_until(rds, name, "modifying")
    refused("InvalidDBInstanceState", rds.modify_db_instance, DBInstanceIdentifier=name, MultiAZ=True)
    cloud.change_pace(time_scale=0)
    wait_until(rds, name)
    assert describe(rds, name)["DBInstanceClass"] == "db.t3.xlarge"


def test_applying_immediately_applies_everything_that_waits(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, DBInstanceClass="db.t3.large", AllocatedStorage=20)
    rds.modify_db_instance(DBInstanceIdentifier=name, AllocatedStorage=100)
    rds.modify_db_instance(DBInstanceIdentifier=name, MultiAZ=True, ApplyImmediately=True)
    after = wait_until_nothing_is_pending(rds, name)
    assert (after["AllocatedStorage"], after["MultiAZ"]) == (100, True)
    assert after["SecondaryAvailabilityZone"] == "us-east-1b"


def test_some_settings_change_at_once(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, BackupRetentionPeriod=7)
    changed = rds.modify_db_instance(
        DBInstanceIdentifier=name,
        BackupRetentionPeriod=30,
        PreferredBackupWindow="03:00-04:00",
        DeletionProtection=True,
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]},
    )["DBInstance"]
    assert changed["PendingModifiedValues"] == {}
    assert (changed["BackupRetentionPeriod"], changed["DeletionProtection"]) == (30, True)
    assert changed["EnabledCloudwatchLogsExports"] == ["postgresql"]


def test_switching_backups_off_and_on_is_a_modification(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, BackupRetentionPeriod=7)
    rds.modify_db_instance(DBInstanceIdentifier=name, BackupRetentionPeriod=0, ApplyImmediately=True)
    assert "LatestRestorableTime" not in wait_until_nothing_is_pending(rds, name)
    rds.modify_db_instance(DBInstanceIdentifier=name, BackupRetentionPeriod=1, ApplyImmediately=True)
    wait_until_nothing_is_pending(rds, name)
    wait_until(rds, name)
    assert "LatestRestorableTime" in describe(rds, name)


def test_asking_for_what_is_so_already_leaves_nothing_pending(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, DBInstanceClass="db.t3.large")
    rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.xlarge")
    back = rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.large")["DBInstance"]
    assert back["PendingModifiedValues"] == {}


def test_renaming_does_not_take_over_a_name(cloud: Cloud, rds: Any, name: str) -> None:
    other = f"{name}-other"
    cloud.adopt_rds_instance(name, None)
    cloud.adopt_rds_instance(other, None)
    rename = {"DBInstanceIdentifier": name, "ApplyImmediately": True}
    refused("DBInstanceAlreadyExists", rds.modify_db_instance, NewDBInstanceIdentifier=other, **rename)
    rds.modify_db_instance(NewDBInstanceIdentifier=f"{name}-new", **rename)
    wait_for(lambda: f"{name}-new" in list_names(rds), "the new name")
    refused("DBInstanceNotFound", rds.describe_db_instances, DBInstanceIdentifier=name)


def test_a_parameter_group_is_in_force_after_a_restart(cloud: Cloud, rds: Any, name: str) -> None:
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="x")
    cloud.adopt_rds_instance(name, None)
    changed = rds.modify_db_instance(DBInstanceIdentifier=name, DBParameterGroupName=name)["DBInstance"]
    assert changed["DBParameterGroups"] == [{"DBParameterGroupName": name, "ParameterApplyStatus": "pending-reboot"}]
    rds.reboot_db_instance(DBInstanceIdentifier=name)
    wait_until(rds, name)
    assert describe(rds, name)["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"


def test_storage_is_optimised_after_it_has_grown(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, AllocatedStorage=20)
    smaller = {"DBInstanceIdentifier": name, "AllocatedStorage": 10}
    refused("InvalidParameterCombination", rds.modify_db_instance, **smaller)
    cloud.change_pace(modifying_s=600, time_scale=0)
    rds.modify_db_instance(DBInstanceIdentifier=name, AllocatedStorage=100, ApplyImmediately=True)
    wait_until_nothing_is_pending(rds, name)
    wait_until(rds, name)
    assert describe(rds, name)["AllocatedStorage"] == 100


def test_tags_and_groups_are_those_that_were_set(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None, Tags=[{"Key": "a", "Value": "1"}])
    arn = describe(rds, name)["DBInstanceArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["b"])
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "a", "Value": "2"}]
    assert describe(rds, name)["TagList"] == [{"Key": "a", "Value": "2"}]


def wait_until_nothing_is_pending(rds: Any, name: str) -> dict[str, Any]:
    """Return the description once every change has been applied."""
    wait_for(lambda: describe(rds, name)["PendingModifiedValues"] == {}, "the end of the modification")
    return describe(rds, name)


def list_names(rds: Any) -> list[str]:
    return [instance["DBInstanceIdentifier"] for instance in rds.describe_db_instances()["DBInstances"]]
