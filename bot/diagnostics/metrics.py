"""What is measured over time: the name, the unit and the meaning of each series (`diagnostics/series.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["seconds", "bytes", "percent", "count", "per_minute", "per_second", "per_processor"]
Of = Literal["application", "database", "host", "rds", "rds_replica", "load_balancer", "instance"]
"""What a metric is of; its key in the policy, or its name at AWS, is the second part of a series' name."""


@dataclass(frozen=True)
class Metric:
    """One thing that is measured; `figure` says what exactly, as it stands on an axis.

    `up` and `down` say in a word what it means when it leaves its usual range on that side; an empty one means that
    there is nothing wrong on that side. `noise` is the smallest difference that means anything, in the metric's unit.
    """

    key: str
    title: str
    figure: str
    unit: Unit
    of: Of
    up: str
    down: str = ""
    noise: float = 0.0
    share: float = 0.1
    """The smallest share of what is usual by which a figure must differ to mean anything."""
    beside: tuple[str, ...] = ()
    """Metrics of the same thing that are drawn as further lines."""
    cloudwatch: str = ""
    """Its name in CloudWatch, where it is asked for when it is needed and not kept."""


def _count(key: str, title: str, figure: str, noise: float, beside: tuple[str, ...] = ()) -> Metric:
    """Something of a database that is counted."""
    return Metric(key, title, figure, "count", "database", "more", noise=noise, beside=beside)


OF_APPLICATIONS = (
    Metric("health_latency", "Health endpoint", "time to answer", "seconds", "application", "slower", noise=0.1),
    Metric("health_failures", "Health checks", "bad answers", "percent", "application", "failing", noise=1),
)
OF_HOSTS = (
    Metric("error_lines", "Errors in the log", "error lines", "per_minute", "host", "more", noise=2),
    Metric("load", "Load", "load", "per_processor", "host", "higher", noise=0.5),
    Metric("memory_used", "Memory", "memory in use", "percent", "host", "fuller", noise=5),
    Metric("disk_used", "Disks", "the fullest disk", "percent", "host", "fuller", noise=2),
)
OF_DATABASES = (
    _count("connections", "Connections", "connections", 5, ("connections_active", "connections_idle_in_transaction")),
    _count("connections_active", "Active connections", "active connections", 3),
    _count("connections_idle_in_transaction", "Idle in transaction", "connections idle in transaction", 2),
    _count("blocked_sessions", "Sessions behind locks", "sessions that wait for a lock", 1),
    Metric("rows", "Rows", "rows", "count", "database", "", "fewer", noise=10, share=0.01),
    Metric("transactions", "Transactions", "transactions", "per_second", "database", "more", "fewer", noise=2),
    Metric("longest_query", "Longest query", "running time", "seconds", "database", "longer", noise=10),
    Metric("replication_lag", "Replicas", "replication lag", "seconds", "database", "behind", noise=5),
    Metric("database_size", "Database size", "size on disk", "bytes", "database", "larger", "smaller", noise=50e6,
           share=0.02),
    Metric("newest_row_age", "Newest row", "age of the newest row", "seconds", "database", "nothing new", noise=60),
)  # fmt: skip
OF_CLOUD = (
    Metric("rds_cpu", "RDS processors", "processors in use", "percent", "rds", "busier", noise=15,
           cloudwatch="CPUUtilization"),
    Metric("rds_free_storage", "RDS storage", "storage left", "bytes", "rds", "", "running out", noise=1e8,
           cloudwatch="FreeStorageSpace"),
    Metric("rds_connections", "RDS connections", "connections", "count", "rds", "more", noise=5,
           cloudwatch="DatabaseConnections"),
    Metric("rds_credits", "RDS processor credits", "CPU credits left", "count", "rds", "", "running out", noise=20,
           cloudwatch="CPUCreditBalance"),
    Metric("rds_replica_lag", "RDS replica", "replication lag", "seconds", "rds_replica", "behind", noise=5,
           cloudwatch="ReplicaLag"),
    Metric("balancer_errors", "Errors at the load balancer", "answers 5xx", "per_minute", "load_balancer", "more",
           noise=2, cloudwatch="HTTPCode_Target_5XX_Count"),
    Metric("balancer_latency", "Load balancer", "time to answer", "seconds", "load_balancer", "slower", noise=0.1,
           cloudwatch="TargetResponseTime"),
    Metric("server_cpu", "Server", "processors in use", "percent", "instance", "busier", noise=15,
           cloudwatch="CPUUtilization"),
)  # fmt: skip
KEPT = (*OF_APPLICATIONS, *OF_DATABASES, *OF_HOSTS)
"""What is measured and kept; the others CloudWatch has."""
METRICS: dict[str, Metric] = {one.key: one for one in (*KEPT, *OF_CLOUD)}


def series_name(metric: str, subject: str) -> str:
    """The name of a series: `connections:traitortrack`."""
    return f"{metric}:{subject}"


def split_name(name: str) -> tuple[str, str]:
    """The metric's key and the subject in the name of a series."""
    metric, _, subject = name.partition(":")
    return metric, subject
