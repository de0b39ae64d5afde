"""The auto-scaling group of the application's servers, and what the load balancer says of each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.systems.aws import READING, ask, open_client

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.client import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef
    from mypy_boto3_elbv2.client import ElasticLoadBalancingv2Client

PERMISSIONS = ("autoscaling:DescribeAutoScalingGroups", "elasticloadbalancing:DescribeTargetHealth")
WAITING_PERMISSIONS = (*PERMISSIONS, "elasticloadbalancing:DescribeTargetGroups")


@dataclass(frozen=True)
class Group:
    """An auto-scaling group: its sizes, and the target groups that its servers are put into."""

    name: str
    min_size: int
    desired_capacity: int
    max_size: int
    target_groups: tuple[str, ...]
    """ARNs."""
    instances: tuple[str, ...] = ()
    """Ids of its members."""
    launch_template: str = ""
    """Name of the template that it launches from; empty where it uses another way."""
    template_version: str = ""
    """A number, `$Latest` or `$Default`."""
    health_check_type: str = ""
    """Who decides that a server is ill: `EC2` or `ELB`."""
    health_check_grace_s: float = 0.0
    suspended: tuple[str, ...] = ()
    """What it does not do at present, in AWS's words: `Launch`, `ReplaceUnhealthy`, …"""


@dataclass(frozen=True)
class Target:
    """One server in one target group."""

    identifier: str
    state: str
    """The load balancer's word: `healthy`, `unhealthy`, `initial`, `draining`, `unused`, `unavailable`, …"""
    reason: str
    """In the load balancer's words; empty where it is healthy."""
    code: str = ""
    """The load balancer's name for the reason, such as `Target.Timeout`."""


@dataclass(frozen=True)
class Door:
    """How a target group gets at its servers, and what is in front of it."""

    name: str
    arn: str
    health_path: str
    """Empty where it asks for none, as over TCP."""
    port: int
    load_balancers: tuple[str, ...]
    """ARNs."""
    back_after_s: float = 0.0
    """How long a server has to be well before it is taken for that: the interval of its probes, so often as the group
    wants good ones in a row."""


def find_group(region: str, name: str) -> Group | None:
    """The group, or None. Raises AwsRefused, AwsUnclear."""
    client: AutoScalingClient = open_client("autoscaling", region_name=region, config=READING)
    answer = ask(
        f"describe the auto-scaling group {name}",
        lambda: client.describe_auto_scaling_groups(AutoScalingGroupNames=[name]),
    )
    return next((_read_group(one) for one in answer["AutoScalingGroups"]), None)


def list_targets(region: str, target_group: str) -> list[Target]:
    """Every server of a target group (an ARN), by identifier. Raises AwsRefused, AwsUnclear."""
    client: ElasticLoadBalancingv2Client = open_client("elbv2", region_name=region, config=READING)
    answer = ask(
        f"describe the health of {short_name(target_group)}",
        lambda: client.describe_target_health(TargetGroupArn=target_group),
    )
    found = []
    for one in answer["TargetHealthDescriptions"]:
        health = one.get("TargetHealth", {})
        reason = health.get("Description") or health.get("Reason", "")
        name, state = one.get("Target", {}).get("Id", "?"), health.get("State", "unavailable")
        found.append(Target(name, state, reason, health.get("Reason", "")))
    return sorted(found, key=lambda target: target.identifier)


def list_doors(region: str, target_groups: tuple[str, ...]) -> list[Door]:
    """Of each target group (an ARN). Raises AwsRefused, AwsUnclear."""
    if not target_groups:
        return []
    client: ElasticLoadBalancingv2Client = open_client("elbv2", region_name=region, config=READING)
    answer = ask(
        "describe the target groups", lambda: client.describe_target_groups(TargetGroupArns=list(target_groups))
    )
    return [
        Door(
            one["TargetGroupName"], one["TargetGroupArn"], one.get("HealthCheckPath", ""), one.get("Port", 0),
            tuple(one.get("LoadBalancerArns", [])),
            float(one.get("HealthCheckIntervalSeconds", 0) * one.get("HealthyThresholdCount", 0)),
        )
        for one in answer["TargetGroups"]
    ]  # fmt: skip


def list_listening(region: str, load_balancer: str) -> tuple[list[str], list[int]]:
    """Security groups and ports of a load balancer (an ARN); one over TCP may have no groups. Raises AwsRefused,
    AwsUnclear.
    """
    client: ElasticLoadBalancingv2Client = open_client("elbv2", region_name=region, config=READING)
    found = ask("describe the load balancer", lambda: client.describe_load_balancers(LoadBalancerArns=[load_balancer]))[
        "LoadBalancers"
    ]
    listeners = ask("list its listeners", lambda: client.describe_listeners(LoadBalancerArn=load_balancer))
    groups = [group for one in found for group in one.get("SecurityGroups", [])]
    return groups, sorted(one["Port"] for one in listeners["Listeners"] if "Port" in one)


def find_load_balancers(region: str, target_groups: tuple[str, ...]) -> list[str]:
    """Those that the target groups are behind, as CloudWatch calls them: `app/NAME/ID`. Raises AwsRefused, AwsUnclear.

    CloudWatch's name is the end of the ARN (Elastic Load Balancing: CloudWatch metrics, dimensions).
    """
    arns = [arn for one in list_doors(region, target_groups) for arn in one.load_balancers]
    return list(dict.fromkeys(arn.partition(":loadbalancer/")[2] for arn in arns))


def short_name(target_group: str) -> str:
    """The name in an ARN that ends with `targetgroup/NAME/ID`."""
    parts = target_group.split("/")
    return parts[-2] if len(parts) > 2 else target_group


def _read_group(one: AutoScalingGroupTypeDef) -> Group:
    template = one.get("LaunchTemplate", {})
    return Group(
        one["AutoScalingGroupName"],
        one["MinSize"],
        one["DesiredCapacity"],
        one["MaxSize"],
        tuple(one.get("TargetGroupARNs", [])),
        tuple(member["InstanceId"] for member in one.get("Instances", [])),
        template.get("LaunchTemplateName", ""),
        template.get("Version", "") or "$Default",  # AWS does not show a version that was not given
        one["HealthCheckType"],
        float(one.get("HealthCheckGracePeriod", 0)),
        tuple(sorted(process["ProcessName"] for process in one.get("SuspendedProcesses", []))),
    )
