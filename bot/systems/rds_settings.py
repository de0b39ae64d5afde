"""The settings of an RDS instance that a restored one must have too.

What a restore is not told falls back to defaults: the default subnet group, security group and parameter group, one
zone, no deletion protection, no tags (botocore's model of RestoreDBInstanceToPointInTime). So everything is told. What
the restore calls do not take, ModifyDBInstance does, afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, TypeAdapter

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

Settings = dict[str, JsonValue]
"""Arguments of an RDS call, as botocore names them."""
SETTINGS: TypeAdapter[Settings] = TypeAdapter(Settings)

# Named alike in the description and in the call.
CARRIED = (
    "DBInstanceClass",
    "MultiAZ",
    "PubliclyAccessible",
    "AutoMinorVersionUpgrade",
    "LicenseModel",
    "StorageType",
    "Iops",
    "StorageThroughput",
    "AllocatedStorage",
    "MaxAllocatedStorage",
    "CopyTagsToSnapshot",
    "DeletionProtection",
    "BackupRetentionPeriod",
    "PreferredBackupWindow",
    "BackupTarget",
    "NetworkType",
    "CACertificateIdentifier",
    "CustomIamInstanceProfile",
    "DedicatedLogVolume",
    "EngineLifecycleSupport",
    "ProcessorFeatures",
)
RENAMED = {
    "IAMDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "EnabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "CustomerOwnedIpEnabled": "EnableCustomerOwnedIp",
}
DOMAIN = {
    "Domain": "Domain",
    "IAMRoleName": "DomainIAMRoleName",
    "FQDN": "DomainFqdn",
    "OU": "DomainOu",
    "AuthSecretArn": "DomainAuthSecretArn",
    "DnsIps": "DomainDnsIps",
}
# RestoreDBInstanceFromDBSnapshot takes all of the above but these.
NOT_FROM_SNAPSHOT = ("MaxAllocatedStorage",)
# Only ModifyDBInstance takes these.
AFTERWARDS = (
    "PreferredMaintenanceWindow",
    "MonitoringInterval",
    "MonitoringRoleArn",
    "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod",
    "DatabaseInsightsMode",
)
# gp3 has these at a fixed level below this size, and RDS refuses to be told it (RDS User Guide, gp3 storage).
GP3_TUNABLE_FROM_GIB = 400
GP3_LEVELS = ("Iops", "StorageThroughput")


def settings_for_restore(description: DBInstanceTypeDef) -> Settings:
    """Everything that RestoreDBInstanceToPointInTime takes and the described instance has.

    Left out on purpose: the availability zone, which may be the one that failed, and what is not PostgreSQL's.
    """
    of: Mapping[str, Any] = description
    settings = {name: of[name] for name in CARRIED if name in of}
    settings |= {argument: of[name] for name, argument in RENAMED.items() if name in of}
    settings |= {
        "Port": of.get("Endpoint", {}).get("Port"),
        "DBSubnetGroupName": of.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
        "VpcSecurityGroupIds": sorted(one["VpcSecurityGroupId"] for one in of.get("VpcSecurityGroups", [])),
        "DBParameterGroupName": _first(of.get("DBParameterGroups"), "DBParameterGroupName"),
        "OptionGroupName": _first(of.get("OptionGroupMemberships"), "OptionGroupName"),
        "Tags": _own_tags(of.get("TagList", [])),
    }
    for membership in of.get("DomainMemberships", [])[:1]:
        settings |= {argument: membership.get(name) for name, argument in DOMAIN.items()}
    if settings.get("StorageType") == "gp3" and int(settings.get("AllocatedStorage", 0)) < GP3_TUNABLE_FROM_GIB:
        settings = {name: value for name, value in settings.items() if name not in GP3_LEVELS}
    return _told(settings)


def settings_for_snapshot_restore(description: DBInstanceTypeDef) -> Settings:
    """The same for RestoreDBInstanceFromDBSnapshot, which takes a little less."""
    return {name: value for name, value in settings_for_restore(description).items() if name not in NOT_FROM_SNAPSHOT}


def settings_for_afterwards(description: DBInstanceTypeDef) -> Settings:
    """What the described instance has and only ModifyDBInstance takes."""
    of: Mapping[str, Any] = description
    settings = {name: of[name] for name in AFTERWARDS if name in of}
    if of.get("PerformanceInsightsEnabled"):
        settings["EnablePerformanceInsights"] = True
    else:
        settings = {name: value for name, value in settings.items() if not name.startswith("PerformanceInsights")}
    if "MaxAllocatedStorage" in of:
        settings["MaxAllocatedStorage"] = of["MaxAllocatedStorage"]
    return _told(settings)


def find_differences(wanted: Settings, found: Settings) -> Settings:
    """The part of `wanted` that `found` does not have; extra tags are no difference."""
    return {name: value for name, value in wanted.items() if not _covers(name, found.get(name), value)}


def describe_left_out(description: DBInstanceTypeDef) -> list[str]:
    """In words, what no call carries over and a person must see to."""
    notes = []
    roles = [role.get("RoleArn", "") for role in description.get("AssociatedRoles", [])]
    if roles:
        notes.append(f"IAM roles are not carried over; associate them by hand where they are used: {', '.join(roles)}.")
    if description.get("MasterUserSecret"):
        notes.append("Secrets Manager does not manage the new instance's master password; it is the old one's.")
    return notes


def _covers(name: str, found: JsonValue, wanted: JsonValue) -> bool:
    if name == "Tags" and isinstance(found, list) and isinstance(wanted, list):
        return all(tag in found for tag in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return sorted(map(repr, wanted)) == sorted(map(repr, found))
    return found == wanted


def _told(settings: Mapping[str, Any]) -> Settings:
    """Only what says something: a missing setting and an empty list are RDS's way of saying that there is none."""
    return SETTINGS.validate_python(
        {name: value for name, value in sorted(settings.items()) if value is not None and value not in ("", [])}
    )


def _first(groups: Any, name: str) -> str | None:
    return next((str(one[name]) for one in groups or [] if name in one), None)


def _own_tags(tags: Any) -> list[dict[str, str]]:
    """Without those that only AWS may set, and without the mark of a run that made the source."""
    own = [tag for tag in tags if not tag["Key"].startswith(("aws:", "holdfast:"))]
    return sorted(({"Key": tag["Key"], "Value": tag.get("Value", "")} for tag in own), key=lambda tag: tag["Key"])
