"""Figures that AWS CloudWatch keeps: about RDS instances, load balancers and servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from bot.systems.aws import READING, ask, open_client

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

SPAN = timedelta(minutes=10)
PERIOD_S = 60
Statistic = Literal["Average", "Sum"]


@dataclass(frozen=True)
class Reading:
    """One figure and its moment, UTC."""

    at: datetime
    value: float


def read_series(
    region: str, identifier: str, metric: str, *, since: datetime, until: datetime, period_s: int
) -> list[Reading]:
    """Averages of a metric of `AWS/RDS`, oldest first; empty where CloudWatch has none. Raises AwsRefused, AwsUnclear.

    CloudWatch gives 1,440 of them at most, and no period under a minute.
    """
    dimensions = {"DBInstanceIdentifier": identifier}
    return read_metric(region, "AWS/RDS", metric, dimensions, since=since, until=until, period_s=period_s)


def read_metric(
    region: str, namespace: str, metric: str, dimensions: Mapping[str, str], *, since: datetime, until: datetime,
    period_s: int, statistic: Statistic = "Average",
) -> list[Reading]:  # fmt: skip
    """Any metric's figures, as `read_series` gives them. Raises AwsRefused, AwsUnclear."""
    client: CloudWatchClient = open_client("cloudwatch", region_name=region, config=READING)
    answer = ask(
        f"read {metric} of {', '.join(dimensions.values())}",
        lambda: client.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=since,
            EndTime=until,
            Period=period_s,
            Statistics=[statistic],
        ),
    )
    found = [Reading(one["Timestamp"], one[statistic]) for one in answer["Datapoints"] if statistic in one]
    return sorted(found, key=lambda one: one.at)


def read_replica_lag(region: str, identifier: str, now: datetime) -> float | None:
    """Seconds that a read replica is behind by CloudWatch's newest figure; None when it is not known.

    RDS writes -1 when replication does not run and the lag cannot be told (CloudWatch: ReplicaLag).
    """
    points = read_series(region, identifier, "ReplicaLag", since=now - SPAN, until=now, period_s=PERIOD_S)
    lag_s = points[-1].value if points else None
    return lag_s if lag_s is not None and lag_s >= 0 else None
