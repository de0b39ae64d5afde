"""Series that CloudWatch keeps, fetched when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.diagnostics.metrics import Metric
from bot.diagnostics.series import Point
from bot.policy import Policy
from bot.systems.aws import AwsRefused
from bot.systems.cloudwatch import Statistic, read_metric
from bot.systems.target_health import find_group, find_load_balancers

PERMISSIONS = ("cloudwatch:GetMetricStatistics", "elasticloadbalancing:DescribeTargetGroups")
FINE, COARSE = timedelta(minutes=1), timedelta(minutes=5)
MOST_FINE = timedelta(hours=6)
"""A longer time is fetched in coarser steps; CloudWatch gives 1,440 figures at most."""
SUMS = ("HTTPCode_Target_5XX_Count",)
"""What CloudWatch counts, and keeps silent about where there was none (ELB: CloudWatch metrics)."""


def read_cloud(policy: Policy, metric: Metric, subject: str, since: datetime, until: datetime) -> list[Point]:
    """The figures, oldest first; empty where CloudWatch has none. Raises AwsRefused, AwsUnclear."""
    step = FINE if until - since <= MOST_FINE else COARSE
    namespace, region, dimensions = _find(policy, metric, subject)
    statistic: Statistic = "Sum" if metric.cloudwatch in SUMS else "Average"
    found = read_metric(
        region, namespace, metric.cloudwatch, dimensions, since=since, until=until,
        period_s=int(step.total_seconds()), statistic=statistic,
    )  # fmt: skip
    share = FINE / step if statistic == "Sum" else 1.0
    values = {one.at: one.value * share for one in found if one.value >= 0}  # a lag of -1 means that nobody knows
    if statistic == "Sum":
        first = since - (since - datetime.min.replace(tzinfo=since.tzinfo)) % step
        values = {first + step * index: 0.0 for index in range(int((until - first) / step))} | values
    return [Point(at, value, value, value, 1, step) for at, value in sorted(values.items()) if at < until]


def _find(policy: Policy, metric: Metric, subject: str) -> tuple[str, str, Mapping[str, str]]:
    """Namespace, region and dimensions."""
    region = policy.infrastructure.regions.primary
    if metric.of in ("rds", "rds_replica"):
        return "AWS/RDS", region, {"DBInstanceIdentifier": subject}
    if metric.of == "instance":
        host = policy.hosts[subject]
        return "AWS/EC2", host.region or region, {"InstanceId": host.instance_id or ""}
    group = find_group(region, subject)
    balancers = find_load_balancers(region, group.target_groups) if group else []
    if not balancers:
        raise AwsRefused(f"find the load balancer of {subject}", "NotFound", "it is behind none")
    return "AWS/ApplicationELB", region, {"LoadBalancer": balancers[0]}
