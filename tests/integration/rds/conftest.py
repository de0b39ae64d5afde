"""An AWS whose RDS instances are real PostgreSQL servers; the warehouse's own server is the primary."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bot.policy import load_policy
from bot.recovery.action import World
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.primary_instance import GROUP, PARAMETER_GROUP, let_in
from bot.sandbox.stage import DATABASE, Stage
from bot.systems.doors import observe_door, open_door
from bot.systems.rds import Rds
from bot.systems.rds_waiting import BAD
from tests.integration.rds.driver import hasten, now_world, wait_until

if TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient

PRIMARY = "traitortrack-primary"
SECRET = "traitortrack/production/database-url"
REGION, SECOND = "us-east-1", "us-west-2"
BAGS = 300
NEW = "traitortrack-restored"
COPY = "traitortrack-copy"
"""Is made once by the tests that need it, and stays."""
STUCK = (NEW, "double", "full", "single")
"""Instances that tests hold in a bad state."""
SETTINGS: dict[str, Any] = {
    "AllocatedStorage": 50,
    "BackupRetentionPeriod": 7,
    "CopyTagsToSnapshot": True,
    "DBInstanceClass": "db.t3.large",
    "DBParameterGroupName": "tuned",
    "DBSubnetGroupName": "private",
    "DeletionProtection": True,
    "EnableCloudwatchLogsExports": ["postgresql"],
    "EnableIAMDatabaseAuthentication": True,
    "EnablePerformanceInsights": True,
    "MaxAllocatedStorage": 200,
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring",
    "MultiAZ": True,
    "PerformanceInsightsRetentionPeriod": 7,
    "PreferredBackupWindow": "03:00-04:00",
    "PreferredMaintenanceWindow": "mon:05:00-mon:06:00",
    "PubliclyAccessible": False,
    "StorageType": "gp3",
    "Iops": 3000,
    "StorageThroughput": 125,
    "Tags": [{"Key": "team", "Value": "warehouse"}],
}
"""Of the primary: none of them is what RDS takes where nothing is said."""


@dataclass(frozen=True)
class Aws:
    """The stage with its cloud, and the world as an action sees it."""

    stage: Stage
    world: World

    @property
    def rds(self) -> Rds:
        return Rds(REGION)

    @property
    def client(self) -> RDSClient:
        client: RDSClient = boto3.client("rds", region_name=REGION)
        return client

    def calls(self, *operations: str) -> list[str]:
        """Operations that changed something, or could have, since the test began."""
        names = [str(call["operation"]) for call in self.stage.cloud.calls()]
        return [name for name in names if not operations or name in operations]

    def settle(self, identifier: str = PRIMARY) -> None:
        wait_until(f"{identifier} available", lambda: self.rds.observe(identifier).status == "available")

    def count(self, identifier: str) -> int:
        address = self.rds.observe(identifier).address
        assert address is not None
        url = make_conninfo(self.stage.application_url, host=address[0], port=address[1])
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM bag").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="session")
def aws_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Path]]:
    """Started once; tests take `aws`."""
    with Stage(bags=BAGS, bags_per_s=0) as stage:
        with pytest.MonkeyPatch.context() as patch:
            use_cloud(patch, stage)
            make_groups()
            stage.cloud.adopt_rds_instance(
                PRIMARY, stage.cluster, **{**SETTINGS, "VpcSecurityGroupIds": [make_security_group()]}
            )
        path, _ = write_demo_policy(tmp_path_factory.mktemp("policy"), stage.warehouse_url)
        hasten(path)
        yield stage, path


def use_cloud(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    """Let boto3 in this process talk to the stage's cloud; other tests talk to those of other stages."""
    for name, value in stage.cloud.environment().items():
        patch.setenv(name, value)


@pytest.fixture
def aws(aws_stage: tuple[Stage, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """The primary available, nothing armed, no other instance; made afresh after a test that changed it."""
    stage, path = aws_stage
    use_cloud(monkeypatch, stage)
    stage.cloud.forget_calls()
    aws = Aws(stage, now_world(load_policy(path), {**os.environ, **stage.environment()}))
    yield aws
    stage.cloud.stop_failing()
    stage.cloud.resume()
    for name in STUCK:
        found = aws.rds.find(name)
        if found is None or found.status in BAD:
            stage.cloud.stick_rds_instance(name, None)
    for instance in aws.rds.list_instances():
        if instance.identifier not in (PRIMARY, COPY):
            remove(aws, instance.identifier)
    aws.settle()


@pytest.fixture
def secret(aws: Aws) -> Iterator[str]:
    """The application's connection, as the document stores it."""
    client = boto3.client("secretsmanager", region_name=REGION)
    client.create_secret(Name=SECRET, SecretString=aws.stage.application_url)
    aws.stage.cloud.forget_calls()
    yield SECRET
    client.restore_secret(SecretId=SECRET)
    client.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def copy(aws: Aws) -> str:
    """A second instance with the same database."""
    if aws.rds.find(COPY) is None:
        aws.client.create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=f"for-{COPY}")
        aws.settle()
        aws.client.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=COPY, DBSnapshotIdentifier=f"for-{COPY}")
        aws.settle(COPY)
        aws.stage.cloud.forget_calls()
    return COPY


@pytest.fixture
def doors(aws: Aws) -> Iterator[None]:
    """Every database that a test shut is open for the next."""
    yield
    for name in (PRIMARY, COPY):
        if aws.rds.find(name) is not None:
            open_door(admin_url(aws, name), DATABASE)


def admin_url(aws: Aws, identifier: str) -> str:
    return make_conninfo(aws.stage.cluster.admin_url, port=port_of(aws, identifier))


def is_open(aws: Aws, identifier: str) -> bool:
    return observe_door(admin_url(aws, identifier), DATABASE).open


def port_of(aws: Aws, identifier: str) -> int:
    address = aws.rds.observe(identifier).address
    assert address is not None
    return address[1]


def remove(aws: Aws, identifier: str) -> None:
    if aws.rds.find(identifier) is None:
        return
    aws.settle(identifier)
    aws.client.modify_db_instance(DBInstanceIdentifier=identifier, DeletionProtection=False)
    aws.settle(identifier)
    aws.client.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
    wait_until("its end", lambda: aws.rds.find(identifier) is None)


def make_groups(region: str = REGION, *, subnet_group: str = "private", parameter_group: str = "tuned") -> None:
    """A subnet group and a parameter group that are not the default ones."""
    ec2, rds = boto3.client("ec2", region_name=region), boto3.client("rds", region_name=region)
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
    rds.create_db_subnet_group(DBSubnetGroupName=subnet_group, DBSubnetGroupDescription="private", SubnetIds=subnets)
    rds.create_db_parameter_group(
        DBParameterGroupName=parameter_group, DBParameterGroupFamily="postgres15", Description="tuned"
    )


def make_security_group(region: str = REGION, name: str = "database") -> str:
    ec2 = boto3.client("ec2", region_name=region)
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = str(ec2.create_security_group(GroupName=name, Description="database", VpcId=vpc)["GroupId"])
    let_in(ec2, group)
    return group


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture(scope="session")
def away(aws_stage: tuple[Stage, Path]) -> str:
    """The second region, with what an instance belongs to there; returns its security group."""
    with pytest.MonkeyPatch.context() as patch:
        use_cloud(patch, aws_stage[0])
        make_groups(SECOND, subnet_group=GROUP, parameter_group=PARAMETER_GROUP)
        return make_security_group(SECOND, GROUP)


@pytest.fixture
def second(aws: Aws, away: str) -> Iterator[Rds]:
    """Without instances and snapshots at the start and at the end."""
    rds = Rds(SECOND)
    clear_region(rds)
    yield rds
    clear_region(rds)


def clear_region(rds: Rds) -> None:
    client = boto3.client("rds", region_name=SECOND)
    for instance in rds.list_instances():
        remove_from(rds, instance.identifier)
    for snapshot in rds.list_snapshots(PRIMARY):
        client.delete_db_snapshot(DBSnapshotIdentifier=snapshot.identifier)


def remove_from(rds: Rds, name: str) -> None:
    def is_available() -> bool:
        return rds.observe(name).status == "available"

    wait_until(f"{name} available", is_available)
    rds.acting.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    wait_until(f"{name} available", is_available)
    rds.acting.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_until("its end", lambda: rds.find(name) is None)
