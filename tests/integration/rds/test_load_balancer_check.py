"""The servers of an auto-scaling group in the cloud, as its load balancer sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.infrastructure_load_balancer import CHECK
from bot.store.documents import Finding
from tests.aws_calls import watch_check
from tests.integration.rds.conftest import REGION, Aws

IMAGE = "ami-12c6146b"
"""One of those that the cloud has."""


def run(aws: Aws) -> Finding:
    return CHECK.run(Surroundings(aws.world.policy, aws.world.environment, aws.world.now, "traitortrack"))


@pytest.fixture
def servers(aws: Aws) -> Iterator[list[str]]:
    """The policy's group with three servers behind a load balancer: one more than it must have."""
    wanted = aws.world.policy.infrastructure.auto_scaling
    ec2, scaling = boto3.client("ec2", region_name=REGION), boto3.client("autoscaling", region_name=REGION)
    balancer: Any = boto3.client("elbv2", region_name=REGION)
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = balancer.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    scaling.create_launch_configuration(LaunchConfigurationName="web", ImageId=IMAGE, InstanceType="t3.medium")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=wanted.group, LaunchConfigurationName="web", MinSize=wanted.min_size, MaxSize=5,
        DesiredCapacity=3, AvailabilityZones=[f"{REGION}a"], TargetGroupARNs=[arn],
    )  # fmt: skip
    group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[wanted.group])["AutoScalingGroups"][0]
    yield [one["InstanceId"] for one in group["Instances"]]
    scaling.delete_auto_scaling_group(AutoScalingGroupName=wanted.group, ForceDelete=True)
    scaling.delete_launch_configuration(LaunchConfigurationName="web")
    balancer.delete_target_group(TargetGroupArn=arn)


def stop(server: str) -> None:
    boto3.client("ec2", region_name=REGION).stop_instances(InstanceIds=[server])


def test_enough_healthy_servers_then_one_less_then_too_few(aws: Aws, servers: list[str]) -> None:
    with watch_check(CHECK) as rights:
        found = run(aws)
    assert rights == set(CHECK.permissions)
    assert (found.state, "web: 3 of 3 servers are healthy; 2 are needed." in found.evidence) == ("ok", True), found
    stop(servers[0])
    found = run(aws)
    assert (found.state, [one.action for one in found.suggests]) == ("warning", ["restart_application"])
    assert any(servers[0] in line and "stopped" in line for line in found.evidence)
    stop(servers[1])
    found = run(aws)
    assert (found.state, "1 of 3" in found.summary) == ("critical", True)


def test_a_group_that_is_not_there_is_unknown(aws: Aws) -> None:
    found = run(aws)
    assert (found.state, "no auto-scaling group" in found.summary) == ("unknown", True)
