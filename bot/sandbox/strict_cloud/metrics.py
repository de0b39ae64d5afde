"""CloudWatch's word on RDS: a replica's lag (-1 when nobody knows), storage left, CPU credits.

Lag and storage are measured on the servers. moto has every other metric.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from moto.cloudwatch import urls
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from bot.sandbox.strict_cloud.rds.wire import WORLD


def install() -> None:
    """Put ourselves in moto's place for CloudWatch."""
    urls.url_paths = {"{0}/$": StrictCloudWatch.dispatch}


class StrictCloudWatch(CloudWatchResponse):
    """GetMetricStatistics of AWS/RDS: what is true now, as the one figure there is."""

    def get_metric_statistics(self) -> ActionResult:
        dimensions = {entry["Name"]: entry["Value"] for entry in self._get_param("Dimensions", [])}
        name = self._get_param("MetricName")
        if self._get_param("Namespace") != "AWS/RDS" or name not in METRICS:
            return super().get_metric_statistics()
        unit, measure = METRICS[name]
        figure = measure(self.region, dimensions.get("DBInstanceIdentifier", ""))
        points = []
        if figure is not None:
            values = dict.fromkeys(("Average", "Maximum", "Minimum"), figure)
            points = [{"Timestamp": datetime.now(UTC).replace(second=0, microsecond=0), "Unit": unit, **values}]
        return ActionResult({"Label": name, "Datapoints": points})


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


def measure_free_bytes(region: str, identifier: str) -> float | None:
    """Return what an instance's databases leave of its storage; None where there is no such instance."""
    with WORLD.lock:
        instance = WORLD.region(region).instances.get(identifier)
        if instance is None:
            return None
        size_bytes, server = int(str(instance.facts.get("AllocatedStorage", 0))) << 30, instance.server
    used = server.ask("SELECT sum(pg_database_size(oid)) FROM pg_database") if server is not None else 0
    return float(size_bytes - int(str(used)))


def count_credits(region: str, identifier: str) -> float | None:
    """Return the most that an instance can have: no other machine competes for this one's processors."""
    with WORLD.lock:
        instance = WORLD.region(region).instances.get(identifier)
        return MOST_CREDITS.get(str(instance.facts.get("DBInstanceClass"))) if instance is not None else None


METRICS: dict[str, tuple[str, Callable[[str, str], float | None]]] = {
    "ReplicaLag": ("Seconds", measure_lag_s),
    "FreeStorageSpace": ("Bytes", measure_free_bytes),
    "CPUCreditBalance": ("Count", count_credits),
}
MOST_CREDITS = {"db.t3.large": 864.0, "db.t3.xlarge": 2304.0}
"""What accrues in a day (EC2 User Guide, CPU credits of t3)."""
