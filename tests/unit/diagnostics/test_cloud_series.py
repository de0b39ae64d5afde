"""Series that CloudWatch keeps, fetched when they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.infrastructure_auto_scaling import CHECK as AUTO_SCALING
from bot.diagnostics.cloud_series import read_cloud
from bot.diagnostics.metrics import METRICS, OF_CLOUD
from bot.diagnostics.sampling import Sampler
from bot.diagnostics.series import Series
from bot.diagnostics.sketches import Sketch, Sketches
from bot.diagnostics.subjects import list_subjects
from bot.engine import Engine
from bot.policy import load_policy
from bot.store.database import Database
from bot.systems.aws import AwsRefused
from tests.integration.store.stores import open_store
from tests.unit.alerts.conftest import HandQueue
from tests.unit.incidents.conftest import HandClock

POLICY = load_policy(None)
PLACES = POLICY.infrastructure
REGION = PLACES.regions.primary
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
MINUTE = timedelta(minutes=1)
IMAGE = "ami-12c6146b"
"""One of those that the cloud has."""


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def put(namespace: str, metric: str, dimension: tuple[str, str], values: dict[datetime, float]) -> None:
    client = boto3.client("cloudwatch", region_name=REGION)
    dimensions: Any = [{"Name": dimension[0], "Value": dimension[1]}]
    data: Any = [
        {"MetricName": metric, "Dimensions": dimensions, "Timestamp": at, "Value": value}
        for at, value in values.items()
    ]
    for begin in range(0, len(data), 500):
        client.put_metric_data(Namespace=namespace, MetricData=data[begin : begin + 500])


def make_balancer() -> str:
    """The policy's group behind a load balancer; its name in CloudWatch."""
    ec2, scaling = boto3.client("ec2", region_name=REGION), boto3.client("autoscaling", region_name=REGION)
    balancing: Any = boto3.client("elbv2", region_name=REGION)
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"][:2]]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    balancer = balancing.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    made = balancing.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")
    target = made["TargetGroups"][0]["TargetGroupArn"]
    action = [{"Type": "forward", "TargetGroupArn": target}]
    balancing.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=action)
    scaling.create_launch_configuration(LaunchConfigurationName="web", ImageId=IMAGE, InstanceType="t3.medium")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=PLACES.auto_scaling.group, LaunchConfigurationName="web", MinSize=0, MaxSize=2,
        DesiredCapacity=0, AvailabilityZones=[f"{REGION}a"], TargetGroupARNs=[target],
    )  # fmt: skip
    return str(balancer).partition(":loadbalancer/")[2]


def sketch(database: Database, key: str) -> Sketch:
    clock = HandClock()
    series, metric = Series(database, POLICY), METRICS[key]
    sampler = Sampler(database, cast(Engine, HandQueue(clock)), POLICY, series, {}, clock)
    subject = next(iter(list_subjects(POLICY, metric)))
    return Sketches(series, sampler, POLICY).sketch(metric, subject, NOW - 60 * MINUTE, NOW, [])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        yield database


def test_figures_of_rds_are_fetched_with_what_was_usual_the_day_before(database: Database) -> None:
    of = ("DBInstanceIdentifier", PLACES.rds.instance)
    calm = {NOW - timedelta(hours=20) + index * 5 * MINUTE: 20.0 for index in range(200)}
    busy = {NOW - index * MINUTE: 95.0 for index in range(1, 20)}
    put("AWS/RDS", "CPUUtilization", of, calm | busy)
    made = sketch(database, "rds_cpu")
    assert made.chart.title.startswith("RDS processors: busier since ")
    assert made.chart.usual[0].high == 20.0
    assert made.chart.main[-1].value == 95.0


def test_errors_at_the_load_balancer_are_none_where_cloudwatch_is_silent() -> None:
    name = make_balancer()
    put("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", ("LoadBalancer", name), {NOW - 10 * MINUTE: 7.0})
    points = read_cloud(
        POLICY, METRICS["balancer_errors"], PLACES.auto_scaling.group, NOW - 60 * MINUTE, NOW
    )  # fmt: skip
    assert sorted({one.value for one in points}) == [0.0, 7.0]
    assert len(points) == 60


def test_a_day_is_fetched_in_coarser_steps() -> None:
    of = ("DBInstanceIdentifier", PLACES.rds.instance)
    put("AWS/RDS", "DatabaseConnections", of, {NOW - index * MINUTE: 10.0 for index in range(1, 600)})
    points = read_cloud(POLICY, METRICS["rds_connections"], PLACES.rds.instance, NOW - timedelta(hours=24), NOW)
    assert {one.width for one in points} == {timedelta(minutes=5)}
    assert 100 < len(points) < 130


def test_a_lag_that_nobody_knows_is_a_gap() -> None:
    of = ("DBInstanceIdentifier", PLACES.rds.read_replica)
    put("AWS/RDS", "ReplicaLag", of, {NOW - 5 * MINUTE: -1.0, NOW - 4 * MINUTE: 3.0})
    points = read_cloud(POLICY, METRICS["rds_replica_lag"], PLACES.rds.read_replica, NOW - 60 * MINUTE, NOW)
    assert [one.value for one in points] == [3.0]


def test_without_a_load_balancer_it_is_said(database: Database) -> None:
    with pytest.raises(AwsRefused, match="it is behind none"):
        read_cloud(POLICY, METRICS["balancer_latency"], PLACES.auto_scaling.group, NOW - 60 * MINUTE, NOW)
    made = sketch(database, "balancer_latency")
    assert made.chart.title == "Load balancer: nothing was measured"
    assert "it is behind none" in made.chart.alt_text


def test_what_the_group_does_not_do_is_told() -> None:
    make_balancer()
    boto3.client("autoscaling", region_name=REGION).suspend_processes(
        AutoScalingGroupName=PLACES.auto_scaling.group, ScalingProcesses=["ReplaceUnhealthy"]
    )
    found = AUTO_SCALING.run(Surroundings(POLICY, {}, lambda: NOW, "traitortrack"))
    assert any("ReplaceUnhealthy is suspended" in line for line in found.evidence)
    assert found.signs == ["group set otherwise"]


def test_everything_at_aws_has_something_to_be_of() -> None:
    assert all(list_subjects(POLICY, metric) for metric in OF_CLOUD)
