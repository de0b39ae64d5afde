"""CloudWatch's word on a replica's lag: measured on the standby, -1 when nobody knows; moto has every other metric."""

from __future__ import annotations

from datetime import UTC, datetime

from moto.cloudwatch import urls
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from bot.sandbox.strict_cloud.rds.wire import WORLD


def install() -> None:
    """Put ourselves in moto's place for CloudWatch."""
    urls.url_paths = {"{0}/$": StrictCloudWatch.dispatch}


class StrictCloudWatch(CloudWatchResponse):
    """GetMetricStatistics of AWS/RDS ReplicaLag."""

    def get_metric_statistics(self) -> ActionResult:
        dimensions = {entry["Name"]: entry["Value"] for entry in self._get_param("Dimensions", [])}
        wanted = (self._get_param("Namespace"), self._get_param("MetricName"))
        if wanted != ("AWS/RDS", "ReplicaLag"):
            return super().get_metric_statistics()
        lag_s = measure_lag_s(self.region, dimensions.get("DBInstanceIdentifier", ""))
        points = []
        if lag_s is not None:
            values = dict.fromkeys(("Average", "Maximum", "Minimum"), lag_s)
            points = [{"Timestamp": datetime.now(UTC).replace(second=0, microsecond=0), "Unit": "Seconds", **values}]
        return ActionResult({"Label": "ReplicaLag", "Datapoints": points})


def measure_lag_s(region: str, identifier: str) -> float | None:
    """Return a replica's lag in seconds; None where there is no such replica, so no data."""
    with WORLD.lock:
        instance = WORLD.region(region).instances.get(identifier)
        if instance is None or instance.source is None:
            return None
        if instance.lag_s is not None:
            return instance.lag_s
        server = instance.server
    return server.replica_lag_s() if server is not None else 0.0
