"""Figures that AWS CloudWatch keeps about RDS instances."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import boto3

from bot.systems.aws import READING, ask

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

SPAN = timedelta(minutes=10)
PERIOD_S = 60


def read_replica_lag(region: str, identifier: str, now: datetime) -> float | None:
    """Seconds that a read replica is behind by CloudWatch's newest figure; None when it is not known.

    RDS writes -1 when replication does not run and the lag cannot be told (CloudWatch: ReplicaLag).
    """
    client: CloudWatchClient = boto3.client("cloudwatch", region_name=region, config=READING)
    answer = ask(
        f"read the lag of {identifier}",
        lambda: client.get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName="ReplicaLag",
            Dimensions=[{"Name": "DBInstanceIdentifier", "Value": identifier}],
            StartTime=now - SPAN,
            EndTime=now,
            Period=PERIOD_S,
            Statistics=["Average"],
        ),
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    lag_s = points[-1].get("Average") if points else None
    return lag_s if lag_s is not None and lag_s >= 0 else None
