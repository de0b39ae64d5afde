"""Settings of an auto-scaling group, and the refresh that replaces all of its servers one after another.

Facts (Auto Scaling API reference): one refresh of a group at a time, which has no client token; with 100 % of the
servers healthy at least and more at most, a new one is healthy before an old one goes. A refresh that is cancelled
leaves what it has replaced.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bot.policy.infrastructure import AutoScaling
from bot.systems.aws import ACTING, READING, AwsRefused, act, ask, open_client
from bot.systems.target_health import Group

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_autoscaling.client import AutoScalingClient

REFRESH_PERMISSIONS = (
    "autoscaling:CancelInstanceRefresh",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:StartInstanceRefresh",
)
UPDATE_PERMISSIONS = ("autoscaling:UpdateAutoScalingGroup", "ec2:RunInstances", "iam:PassRole")
ACTIVE = ("Pending", "InProgress", "Cancelling", "Baking", "RollbackInProgress")
MOST_HEALTHY = 150
DEFAULT_VERSION = "$Default"


@dataclass(frozen=True)
class Refresh:
    """One instance refresh."""

    identifier: str
    status: str
    percent: int
    reason: str
    began: datetime | None

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


@dataclass(frozen=True)
class Wanted:
    """What a group is to be like."""

    min_size: int
    desired_capacity: int
    max_size: int
    launch_template: str
    template_version: str
    health_check_type: str
    health_check_grace_s: int


def want(group: Group, rules: AutoScaling) -> Wanted:
    """As the policy has it. Servers that were added for the load stay, as far as the most that there may be."""
    same_template = group.launch_template == rules.launch_template
    return Wanted(
        min_size=rules.min_size,
        desired_capacity=min(max(group.desired_capacity, rules.desired_capacity), rules.max_size),
        max_size=rules.max_size,
        launch_template=rules.launch_template,
        template_version=group.template_version if same_template else DEFAULT_VERSION,
        health_check_type=rules.health_check_type,
        health_check_grace_s=int(rules.health_check_grace.total_seconds()),
    )


def list_differences(group: Group, wanted: Wanted) -> list[str]:
    """In words, what is not as the policy has it."""
    return [
        f"{name.removesuffix('_s').replace('_', ' ')} is {getattr(group, name) or 'not set'}, to be {value}"
        for name, value in asdict(wanted).items()
        if getattr(group, name) != value
    ]


def update_group(region: str, group: str, wanted: Wanted) -> None:
    """Give it these settings; harmless where it has them. Raises AwsRefused, AwsUnclear."""
    client: AutoScalingClient = open_client("autoscaling", region_name=region, config=ACTING)
    act(
        f"change the settings of {group}",
        lambda: client.update_auto_scaling_group(
            AutoScalingGroupName=group,
            MinSize=wanted.min_size,
            DesiredCapacity=wanted.desired_capacity,
            MaxSize=wanted.max_size,
            LaunchTemplate={"LaunchTemplateName": wanted.launch_template, "Version": wanted.template_version},
            HealthCheckType=wanted.health_check_type,
            HealthCheckGracePeriod=wanted.health_check_grace_s,
        ),
    )


def list_refreshes(region: str, group: str) -> list[Refresh]:
    """The newest first. Raises AwsRefused, AwsUnclear."""
    client: AutoScalingClient = open_client("autoscaling", region_name=region, config=READING)
    answer = ask(
        f"list the refreshes of {group}", lambda: client.describe_instance_refreshes(AutoScalingGroupName=group)
    )
    return [
        Refresh(
            one["InstanceRefreshId"],
            one["Status"],
            one.get("PercentageComplete", 0),
            one.get("StatusReason", ""),
            one.get("StartTime"),
        )
        for one in answer["InstanceRefreshes"]
    ]


def start_refresh(region: str, group: str, warm_up_s: int) -> str:
    """Begin one; returns its id. Raises AwsRefused, with `InstanceRefreshInProgress` where one goes on."""
    client: AutoScalingClient = open_client("autoscaling", region_name=region, config=ACTING)
    answer = act(
        f"replace the servers of {group}",
        lambda: client.start_instance_refresh(
            AutoScalingGroupName=group,
            Preferences={
                "MinHealthyPercentage": 100, "MaxHealthyPercentage": MOST_HEALTHY, "InstanceWarmup": warm_up_s,
            },
        ),
    )  # fmt: skip
    return str(answer["InstanceRefreshId"])


def cancel_refresh(region: str, group: str) -> None:
    """Ask for it; harmless where none goes on."""
    client: AutoScalingClient = open_client("autoscaling", region_name=region, config=ACTING)
    try:
        act(f"stop the refresh of {group}", lambda: client.cancel_instance_refresh(AutoScalingGroupName=group))
    except AwsRefused as refusal:
        if refusal.code != "ActiveInstanceRefreshNotFound":
            raise
