"""The warehouse's database as the document's RDS instance, set up unlike AWS's defaults wherever that can be seen.

A restore that forgets a setting therefore differs from its source: subnet group, security group, parameter group,
tags, log exports and the rest.
"""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from bot.sandbox.cloud import REGION, Cloud

if TYPE_CHECKING:
    from bot.sandbox.postgres_cluster import Cluster

PRIMARY = "traitortrack-primary"
SECOND_REGION = "us-west-2"
GROUP = "traitortrack-database"
PARAMETER_GROUP = "traitortrack-postgres"
DATABASE_URL_SECRET = "traitortrack/production/database-url"  # noqa: S105 (its name)
OTHER_SECRETS = tuple(
    f"traitortrack/production/{name}"
    for name in ("session-secret", "admin-password", "sendgrid-api-key", "sendgrid-from-email")
)
DAILY = f"{PRIMARY}-daily"
OFTEN = {"Delay": 1, "MaxAttempts": 60}
SETTINGS: dict[str, object] = {
    "AllocatedStorage": 50,
    "AutoMinorVersionUpgrade": False,
    "BackupRetentionPeriod": 30,
    "CopyTagsToSnapshot": True,
    "DBInstanceClass": "db.t3.large",
    "DBName": "traitortrack",
    "DeletionProtection": True,
    "EnableCloudwatchLogsExports": ["postgresql"],
    "EnableIAMDatabaseAuthentication": True,
    "MasterUsername": "postgres",
    "MaxAllocatedStorage": 200,
    "MultiAZ": True,
    "PreferredBackupWindow": "03:00-04:00",
    "PreferredMaintenanceWindow": "mon:04:30-mon:05:30",
    "PubliclyAccessible": False,
    "StorageType": "gp3",
    "Tags": [{"Key": "application", "Value": "traitortrack"}],
}


def create_primary(cloud: Cloud, cluster: Cluster, application_url: str) -> None:
    """Make the cluster the primary instance, with the secrets of the inventory; both regions get groups."""
    group = create_groups(cloud, REGION)
    create_groups(cloud, SECOND_REGION)
    groups = {"DBSubnetGroupName": GROUP, "DBParameterGroupName": PARAMETER_GROUP, "VpcSecurityGroupIds": [group]}
    settings: Any = {**SETTINGS, **groups}
    cloud.adopt_rds_instance(PRIMARY, cluster, **settings)
    create_secrets(cloud, application_url)


def copy_snapshot_away(cloud: Cloud) -> None:
    """Have a snapshot of the primary in the second region, as there is one after a day of operation.

    Raises botocore's `ClientError` and `WaiterError`.
    """
    here, there = open_client(cloud, "rds", REGION), open_client(cloud, "rds", SECOND_REGION)
    here.get_waiter("db_instance_available").wait(DBInstanceIdentifier=PRIMARY, WaiterConfig=OFTEN)
    made = here.create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=DAILY)["DBSnapshot"]
    here.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=DAILY, WaiterConfig=OFTEN)
    there.copy_db_snapshot(
        SourceDBSnapshotIdentifier=made["DBSnapshotArn"], TargetDBSnapshotIdentifier=DAILY, SourceRegion=REGION
    )


def create_secrets(cloud: Cloud, application_url: str) -> None:
    """Create those of the document's inventory, unless they are there; all but the URL have made-up values."""
    secrets = open_client(cloud, "secretsmanager", REGION)
    there = {one["Name"] for one in secrets.list_secrets()["SecretList"]}
    values = {DATABASE_URL_SECRET: application_url, **{name: token_urlsafe() for name in OTHER_SECRETS}}
    for name in values.keys() - there:
        secrets.create_secret(Name=name, SecretString=values[name])


def create_groups(cloud: Cloud, region: str) -> str:
    """Create what an instance belongs to in a region; returns the security group's id."""
    ec2, rds = open_client(cloud, "ec2", region), open_client(cloud, "rds", region)
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    rds.create_db_subnet_group(
        DBSubnetGroupName=GROUP,
        DBSubnetGroupDescription="Where databases live",
        SubnetIds=[subnet["SubnetId"] for subnet in subnets],
    )
    rds.create_db_parameter_group(
        DBParameterGroupName=PARAMETER_GROUP, DBParameterGroupFamily="postgres15", Description="Our parameters"
    )
    made = ec2.create_security_group(GroupName=GROUP, Description="Who may reach the database", VpcId=vpc)
    let_in(ec2, str(made["GroupId"]))
    return str(made["GroupId"])


def let_in(ec2: Any, group: str) -> None:
    """From inside the network, at any port: those of the sandbox are not known beforehand."""
    rule = {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def open_client(cloud: Cloud, service: str, region: str) -> Any:
    """Return a client of this cloud; untyped, as boto3 makes them from data."""
    open_any: Any = boto3.client
    return open_any(
        service,
        endpoint_url=cloud.url,
        region_name=region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 (moto asks for any)
        config=Config(proxies={}),  # patient: a cloud sets RDS up when it is first asked for it
    )
