"""Figures that AWS CloudWatch keeps about RDS instances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import boto3

from bot.systems.aws import READING, ask

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

SPAN = timedelta(minutes=10)
PERIOD_S = 60


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
    client: CloudWatchClient = boto3.client("cloudwatch", region_name=region, config=READING)
    answer = ask(
        f"read {metric} of {identifier}",
        lambda: client.get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName=metric,
            Dimensions=[{"Name": "DBInstanceIdentifier", "Value": identifier}],
            StartTime=since,
            EndTime=until,
            Period=period_s,
            Statistics=["Average"],
        ),
    )
    found = [Reading(one["Timestamp"], one["Average"]) for one in answer["Datapoints"] if "Average" in one]
    return sorted(found, key=lambda one: one.at)


def read_replica_lag(region: str, identifier: str, now: datetime) -> float | None:
    """Seconds that a read replica is behind by CloudWatch's newest figure; None when it is not known.

    RDS writes -1 when replication does not run and the lag cannot be told (CloudWatch: ReplicaLag).
    """
    points = read_series(region, identifier, "ReplicaLag", since=now - SPAN, until=now, period_s=PERIOD_S)
    lag_s = points[-1].value if points else None
    return lag_s if lag_s is not None and lag_s >= 0 else None
