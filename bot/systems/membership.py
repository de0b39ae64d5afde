"""Who is in a target group of a load balancer, and in an auto-scaling group, and how that is changed.

Facts (ELB and Auto Scaling API references): only what runs can be registered; a deregistration drains, by default for
300 s, and says nothing of targets that it does not know. To attach an instance to a group raises the group's wanted
capacity and registers it with the group's target groups; to detach it with a decrement lowers it again and deregisters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.systems.aws import ACTING, act, open_client
from bot.systems.target_health import short_name

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.client import AutoScalingClient
    from mypy_boto3_elbv2.client import ElasticLoadBalancingv2Client

PERMISSIONS = (
    "autoscaling:AttachInstances",
    "autoscaling:DetachInstances",
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:RegisterTargets",
)


def register(region: str, target_group: str, server: str) -> None:
    """Put a server behind the load balancer; harmless where it is there. Raises AwsRefused, AwsUnclear."""
    client: ElasticLoadBalancingv2Client = open_client("elbv2", region_name=region, config=ACTING)
    act(
        f"register {server} with {short_name(target_group)}",
        lambda: client.register_targets(TargetGroupArn=target_group, Targets=[{"Id": server}]),
    )


def deregister(region: str, target_group: str, server: str) -> None:
    """Take it out; it drains. Raises AwsRefused, AwsUnclear."""
    client: ElasticLoadBalancingv2Client = open_client("elbv2", region_name=region, config=ACTING)
    act(
        f"deregister {server} from {short_name(target_group)}",
        lambda: client.deregister_targets(TargetGroupArn=target_group, Targets=[{"Id": server}]),
    )


def attach(region: str, group: str, server: str) -> None:
    """Make a server a member of the group. Raises AwsRefused, AwsUnclear."""
    client: AutoScalingClient = open_client("autoscaling", region_name=region, config=ACTING)
    act(
        f"attach {server} to {group}",
        lambda: client.attach_instances(AutoScalingGroupName=group, InstanceIds=[server]),
    )


def detach(region: str, group: str, server: str, *, replaced: bool = False) -> None:
    """Take it out of the group, which launches another only where it is `replaced`. Raises AwsRefused, AwsUnclear."""
    client: AutoScalingClient = open_client("autoscaling", region_name=region, config=ACTING)
    act(
        f"detach {server} from {group}",
        lambda: client.detach_instances(
            AutoScalingGroupName=group, InstanceIds=[server], ShouldDecrementDesiredCapacity=not replaced
        ),
    )
