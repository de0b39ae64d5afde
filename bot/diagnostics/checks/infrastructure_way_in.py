"""Can users get to the servers: does the load balancer ask them for the right page, and do security groups let it and
its users in? (Document: Auto-Scaling Group, health checks.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.systems.isolation import Isolation
from bot.systems.outcomes import SystemRefused
from bot.systems.security_groups import list_let_in
from bot.systems.target_health import Door, Target, find_group, list_doors, list_listening, list_targets

HEALTHY = "healthy"
NORMAL = "Users get to the servers."
TIMES_OUT = "Target.Timeout"
RULE = "`aws ec2 authorize-security-group-ingress --group-id {group} --protocol tcp --port {port} …` lets them in again"
WHO = "CloudTrail (RevokeSecurityGroupIngress, ModifyInstanceAttribute) says who changed it."


class InfrastructureWayIn(PointCheck):
    name = "infrastructure_way_in"
    title = "Way to the servers"
    scope = "infrastructure"
    permissions = (
        "autoscaling:DescribeAutoScalingGroups", "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeListeners", "ec2:DescribeInstances", "ec2:DescribeSecurityGroups",
    )  # fmt: skip
    timeout_s = 25.0
    once = False

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        policy = surroundings.policy
        region, wanted = policy.infrastructure.regions.primary, policy.infrastructure.auto_scaling.group
        group = find_group(region, wanted)
        if group is None or not group.target_groups:
            yield Point("unknown", f"There is no auto-scaling group {wanted} with a target group in {region}.")
            return
        path = policy.applications[surroundings.settings.application].health_path
        doors = list_doors(region, group.target_groups)
        for door in doors:
            targets = list_targets(region, door.arn)
            yield judge_path(door, path, targets)
            yield from _look_at_servers(region, door, targets)
        for arn in dict.fromkeys(arn for door in doors for arn in door.load_balancers):
            yield from _look_at_balancer(region, arn)


def judge_path(door: Door, path: str, targets: Sequence[Target]) -> Point:
    """Another page than the policy's may be meant so, where servers are healthy by it."""
    healthy = sum(1 for one in targets if one.state == HEALTHY)
    if door.health_path in ("", path):
        return Point("ok", f"{door.name} asks the servers for {path}.", normal=NORMAL)
    words = f"{door.name} asks the servers for {door.health_path}, the policy's health endpoint is {path}"
    if healthy == len(targets):
        return Point("ok", f"{words}; all are healthy by it.", normal=NORMAL)
    words += f": {healthy} of {len(targets)} are healthy by it. `aws elbv2 modify-target-group --target-group-arn "
    words += f"{door.arn} --health-check-path {path}` puts it right."
    return Point("warning" if healthy else "critical", words, signs=("health path wrong",), normal=NORMAL)


def _look_at_servers(region: str, door: Door, targets: Sequence[Target]) -> Iterator[Point]:
    """Whether those that the load balancer waits for in vain let it in at all."""
    for one in (target for target in targets if target.code == TIMES_OUT):
        try:
            groups = Isolation(region).read_wires(one.identifier).groups
        except SystemRefused:
            continue  # it is gone, which is told by who looks at the machines
        if not list_let_in(region, groups, door.port):
            yield tell_shut(f"server {one.identifier}", groups, door.port)


def _look_at_balancer(region: str, arn: str) -> Iterator[Point]:
    groups, ports = list_listening(region, arn)
    name = arn.partition(":loadbalancer/")[2]
    for port in ports if groups else ():
        if not list_let_in(region, groups, port):
            yield tell_shut(f"load balancer {name}", groups, port)


def tell_shut(what: str, groups: Sequence[str], port: int) -> Point:
    """Nobody gets through to it."""
    words = f"The security groups of the {what} ({', '.join(groups)}) let nobody in at port {port}. "
    words += f"{RULE.format(group=groups[0], port=port)}. {WHO}"
    return Point("critical", words, signs=("shut off",), normal=NORMAL)


CHECK = InfrastructureWayIn()
