"""An RDS instance's settings: how requests name them, how descriptions do, and what is taken where none is given.

Names, defaults and constraints are those of the RDS API's model (botocore, `rds/2014-10-31`): a member of the request
that has the same name in `DBInstance` means the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import botocore.session
from botocore.model import StructureShape
from moto.ec2.models import ec2_backends
from moto.rds.exceptions import RDSClientError
from moto.rds.models import rds_backends

ACCOUNT = "123456789012"
Facts = dict[str, object]

_MODEL = botocore.session.get_session().get_service_model("rds")


def _members(structure: str) -> frozenset[str]:
    shape = _MODEL.shape_for(structure)
    return frozenset(shape.members) if isinstance(shape, StructureShape) else frozenset()


DESCRIBED = _members("DBInstance")
DEFERRABLE = _members("PendingModifiedValues")
IDENTITY = {"DBInstanceIdentifier", "DBSecurityGroups", "DBSubnetGroup", "AdditionalStorageVolumes", "Engine"}
RENAMED = {
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableCustomerOwnedIp": "CustomerOwnedIpEnabled",
    "Tags": "TagList",
}
# Of a restored instance; RestoreDBInstanceToPointInTime names these as "same as the original" or "uses existing".
INHERITED = (
    *("Engine", "EngineVersion", "LicenseModel", "MasterUsername", "DBName", "DBInstanceClass"),
    *("AllocatedStorage", "StorageEncrypted", "KmsKeyId", "BackupRetentionPeriod"),
)
DEFAULTS: Facts = {
    "AutoMinorVersionUpgrade": True,
    "BackupRetentionPeriod": 1,
    "BackupTarget": "region",
    "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    "CopyTagsToSnapshot": False,
    "CustomerOwnedIpEnabled": False,
    "DedicatedLogVolume": False,
    "DeletionProtection": False,
    "EnabledCloudwatchLogsExports": [],
    "IAMDatabaseAuthenticationEnabled": False,
    "LicenseModel": "postgresql-license",
    "MonitoringInterval": 0,
    "MultiAZ": False,
    "NetworkType": "IPV4",
    "PerformanceInsightsEnabled": False,
    "PreferredBackupWindow": "06:30-07:00",
    "PreferredMaintenanceWindow": "sun:05:00-sun:05:30",
    "PubliclyAccessible": True,  # the default VPC has an internet gateway
    "StorageEncrypted": False,
    "TagList": [],
}


def refuse(code: str, message: str) -> RDSClientError:
    """Return the error that RDS answers with; `code` as on the wire."""
    return RDSClientError(code, message)


def read_settings(region: str, request: Mapping[str, object]) -> Facts:
    """Return a request's settings as a description has them. Raises RDSClientError for what does not exist."""
    settings: Facts = {}
    for name, value in request.items():
        if name in RENAMED or (name in DESCRIBED and name not in IDENTITY):
            settings[RENAMED.get(name, name)] = value
    if group := request.get("DBSubnetGroupName"):
        settings["DBSubnetGroup"] = describe_subnet_group(region, str(group))
    if group := request.get("DBParameterGroupName"):
        settings["DBParameterGroups"] = describe_parameter_group(region, str(group))
    if group := request.get("OptionGroupName"):
        settings["OptionGroupMemberships"] = describe_option_group(region, str(group))
    identifiers = request.get("VpcSecurityGroupIds")
    if isinstance(identifiers, list):
        settings["VpcSecurityGroups"] = describe_security_groups(region, identifiers)
    _check_values(settings)
    return settings


def default_settings(region: str, *, engine_version: str) -> Facts:
    """Return what RDS takes where a request says nothing, in a region's default VPC."""
    major = engine_version.split(".", maxsplit=1)[0]
    vpc_group = ec2_backends[ACCOUNT][region].get_security_group_by_name_or_id("default")
    return {
        **DEFAULTS,
        "StorageType": "gp3",
        "DBSubnetGroup": describe_subnet_group(region, "default"),
        "DBParameterGroups": describe_parameter_group(region, f"default.postgres{major}"),
        "OptionGroupMemberships": describe_option_group(region, f"default:postgres-{major}"),
        "VpcSecurityGroups": [{"VpcSecurityGroupId": vpc_group.id, "Status": "active"}] if vpc_group else [],
    }


def inherited_settings(source: Mapping[str, object]) -> Facts:
    """Return what an instance has of its source although nobody asked for it."""
    return {name: source[name] for name in INHERITED if source.get(name) is not None}


def describe_subnet_group(region: str, name: str) -> Facts:
    """Return the description of a subnet group. Raises RDSClientError when there is none."""
    groups = rds_backends[ACCOUNT][region].subnet_groups
    if name in groups:
        group = groups[name]
        return {
            "DBSubnetGroupName": group.name,
            "DBSubnetGroupDescription": group.description,
            "VpcId": group.vpc_id,
            "SubnetGroupStatus": "Complete",
            "Subnets": group.subnets,
        }
    if name != "default":
        raise refuse("DBSubnetGroupNotFoundFault", f"DBSubnetGroup '{name}' not found")
    vpc = ec2_backends[ACCOUNT][region].get_default_vpc()
    return {"DBSubnetGroupName": "default", "VpcId": vpc.id if vpc else "", "SubnetGroupStatus": "Complete"}


def describe_parameter_group(region: str, name: str) -> list[Facts]:
    """Return the memberships of a parameter group. Raises RDSClientError when there is none."""
    if not name.startswith("default.") and name not in rds_backends[ACCOUNT][region].db_parameter_groups:
        raise refuse("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")
    return [{"DBParameterGroupName": name, "ParameterApplyStatus": "in-sync"}]


def describe_option_group(region: str, name: str) -> list[Facts]:
    """Return the memberships of an option group. Raises RDSClientError when there is none."""
    if not name.startswith("default:") and name not in rds_backends[ACCOUNT][region].option_groups:
        raise refuse("OptionGroupNotFoundFault", f"Specified OptionGroupName: {name} not found.")
    return [{"OptionGroupName": name, "Status": "in-sync"}]


def describe_security_groups(region: str, identifiers: Iterable[object]) -> list[Facts]:
    """Return the memberships of VPC security groups. Raises RDSClientError when one does not exist."""
    known = ec2_backends[ACCOUNT][region]
    for identifier in identifiers:
        if known.get_security_group_from_id(str(identifier)) is None:
            raise refuse("InvalidParameterValue", f"Invalid security group , groupId= {identifier}, groupName=.")
    return [{"VpcSecurityGroupId": str(identifier), "Status": "active"} for identifier in identifiers]


def _check_values(settings: Mapping[str, object]) -> None:
    days = settings.get("BackupRetentionPeriod")
    if isinstance(days, int) and not 0 <= days <= 35:
        raise refuse("InvalidParameterValue", f"Invalid backup retention period: {days}. Must be between 0 and 35.")
    if settings.get("MultiAZ") and settings.get("AvailabilityZone"):
        raise refuse(
            "InvalidParameterCombination",
            "Requesting a specific availability zone is not valid for Multi-AZ instances.",
        )
