"""Every setting that a restore call takes is carried over, or left out for a reason that is written here."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from bot.systems.rds_settings import (
    SETTINGS,
    find_differences,
    settings_for_afterwards,
    settings_for_restore,
    settings_for_snapshot_restore,
)

LEFT_OUT = {
    "which restore it is": {
        "SourceDBInstanceIdentifier", "TargetDBInstanceIdentifier", "RestoreTime", "UseLatestRestorableTime",
        "SourceDbiResourceId", "SourceDBInstanceAutomatedBackupsArn", "DBInstanceIdentifier", "DBSnapshotIdentifier",
        "DBClusterSnapshotIdentifier",
    },
    "may be the zone that failed": {"AvailabilityZone"},
    "the backup's own": {"DBName", "Engine"},
    "other engines": {
        "TdeCredentialArn", "TdeCredentialPassword", "AdditionalStorageVolumes", "ManageMasterUserPassword",
        "MasterUserSecretKmsKeyId",
    },
    "said in another way": {"UseDefaultProcessorFeatures", "TagSpecifications"},
    "of one instance only": {"DBCapacityReservationIdentifier"},
}  # fmt: skip
DESCRIPTION: Any = {
    "DBInstanceIdentifier": "source",
    "DBInstanceClass": "db.r6g.large",
    "Endpoint": {"Address": "source.example", "Port": 5433},
    "AllocatedStorage": 500,
    "MaxAllocatedStorage": 1000,
    "StorageType": "gp3",
    "Iops": 12000,
    "StorageThroughput": 500,
    "MultiAZ": True,
    "PubliclyAccessible": False,
    "AutoMinorVersionUpgrade": False,
    "LicenseModel": "postgresql-license",
    "CopyTagsToSnapshot": True,
    "DeletionProtection": True,
    "BackupRetentionPeriod": 7,
    "PreferredBackupWindow": "03:00-04:00",
    "BackupTarget": "region",
    "NetworkType": "DUAL",
    "CACertificateIdentifier": "rds-ca-ecc384-g1",
    "CustomIamInstanceProfile": "AWSRDSCustomProfile",
    "DedicatedLogVolume": False,
    "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
    "ProcessorFeatures": [{"Name": "coreCount", "Value": "2"}],
    "IAMDatabaseAuthenticationEnabled": True,
    "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
    "CustomerOwnedIpEnabled": False,
    "DBSubnetGroup": {"DBSubnetGroupName": "private"},
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}, {"VpcSecurityGroupId": "sg-1"}],
    "DBParameterGroups": [{"DBParameterGroupName": "tuned"}],
    "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-15"}],
    "DomainMemberships": [
        {"Domain": "d-1", "IAMRoleName": "r", "FQDN": "f", "OU": "o", "AuthSecretArn": "a", "DnsIps": ["10.0.0.1"]}
    ],
    "TagList": [
        {"Key": "team", "Value": "warehouse"}, {"Key": "aws:cloudformation", "Value": "x"},
        {"Key": "holdfast:run", "Value": "run1-1"},
    ],
    "PreferredMaintenanceWindow": "mon:05:00-mon:06:00",
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::1:role/monitoring",
    "PerformanceInsightsEnabled": True,
    "PerformanceInsightsRetentionPeriod": 7,
}  # fmt: skip


def members(operation: str) -> set[str]:
    shape: Any = botocore.session.get_session().get_service_model("rds").operation_model(operation).input_shape
    return set(shape.members)


@pytest.mark.parametrize(
    ("operation", "settings"),
    [
        ("RestoreDBInstanceToPointInTime", settings_for_restore),
        ("RestoreDBInstanceFromDBSnapshot", settings_for_snapshot_restore),
    ],
)
def test_nothing_that_the_call_takes_is_forgotten(operation: str, settings: Any) -> None:
    found = set(settings(DESCRIPTION))
    assert found <= members(operation), "the call would not take these"
    assert members(operation) - found == set().union(*LEFT_OUT.values()) & members(operation)


def test_the_rest_is_what_modify_takes() -> None:
    found = set(settings_for_afterwards(DESCRIPTION))
    assert found <= members("ModifyDBInstance")
    assert {"PreferredMaintenanceWindow", "MonitoringRoleArn", "EnablePerformanceInsights"} <= found


def test_tags_that_are_not_ours_to_set_stay_away() -> None:
    assert settings_for_restore(DESCRIPTION)["Tags"] == [{"Key": "team", "Value": "warehouse"}]


@pytest.mark.parametrize(("size_gib", "told"), [(399, False), (400, True)])
def test_small_gp3_is_not_told_its_fixed_levels(size_gib: int, told: bool) -> None:
    sized: Any = {**DESCRIPTION, "AllocatedStorage": size_gib}
    settings = settings_for_restore(sized)
    assert ({"Iops", "StorageThroughput"} <= settings.keys()) is told


def test_what_is_the_same_is_no_difference() -> None:
    wanted = settings_for_restore(DESCRIPTION)
    reordered: Any = {
        **DESCRIPTION,
        "VpcSecurityGroups": DESCRIPTION["VpcSecurityGroups"][::-1],
        "EnabledCloudwatchLogsExports": ["upgrade", "postgresql"],
        "TagList": [*DESCRIPTION["TagList"], {"Key": "more", "Value": "1"}],
    }
    assert find_differences(wanted, settings_for_restore(reordered)) == {}


@pytest.mark.parametrize("name", sorted(settings_for_restore(DESCRIPTION)))
def test_every_difference_is_found(name: str) -> None:
    wanted = settings_for_restore(DESCRIPTION)
    without = SETTINGS.validate_python({key: value for key, value in wanted.items() if key != name})
    assert set(find_differences(wanted, without)) == {name}
