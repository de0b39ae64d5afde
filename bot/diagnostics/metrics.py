"""What is measured over time: the name, the unit and the meaning of each series (`diagnostics/series.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["seconds", "bytes", "percent", "count", "per_minute", "per_second", "per_processor"]
Of = Literal["application", "database", "host", "rds", "load_balancer", "instance"]
"""What a metric is of; its key in the policy, or its name at AWS, is the second part of a series' name."""


@dataclass(frozen=True)
class Metric:
    """One thing that is measured.

    `up` and `down` say in a word what it means when it leaves its usual range on that side; an empty one means that
    there is nothing wrong on that side. `noise` is the smallest difference that means anything, in the metric's unit.
    """

    key: str
    title: str
    unit: Unit
    of: Of
    up: str
    down: str = ""
    noise: float = 0.0
    beside: tuple[str, ...] = ()
    """Metrics of the same thing that are drawn as further lines."""
    cloudwatch: str = ""
    """Its name in CloudWatch, where it is asked for when it is needed and not kept."""


METRICS: dict[str, Metric] = {
    one.key: one
    for one in (
        Metric("health_latency", "Health endpoint", "seconds", "application", up="slower", noise=0.1),
        Metric("health_failures", "Health checks that fail", "percent", "application", up="failing", noise=1),
        Metric("error_lines", "Errors in the log", "per_minute", "host", up="more", noise=2),
        Metric("load", "Load", "per_processor", "host", up="higher", noise=0.5),
        Metric("memory_used", "Memory in use", "percent", "host", up="higher", noise=5),
        Metric("disk_used", "Fullest disk", "percent", "host", up="fuller", noise=2),
        Metric(
            "connections", "Connections", "count", "database", up="more", down="fewer", noise=5,
            beside=("connections_active", "connections_idle_in_transaction"),
        ),
        Metric("connections_active", "Active connections", "count", "database", up="more", noise=3),
        Metric("connections_idle_in_transaction", "Idle in transaction", "count", "database", up="more", noise=2),
        Metric("transactions", "Transactions", "per_second", "database", up="more", down="fewer", noise=2),
        Metric("longest_query", "Longest query", "seconds", "database", up="longer", noise=10),
        Metric("blocked_sessions", "Sessions that wait for a lock", "count", "database", up="more", noise=1),
        Metric("replication_lag", "Replication lag", "seconds", "database", up="behind", noise=5),
        Metric(
            "database_size", "Size of the database", "bytes", "database", up="larger", down="smaller", noise=50_000_000
        ),
        Metric("rows", "Rows", "count", "database", up="more", down="fewer", noise=10),
        Metric("newest_row_age", "Age of the newest row", "seconds", "database", up="nothing new", noise=60),
    )
}  # fmt: skip


def series_name(metric: str, subject: str) -> str:
    """The name of a series: `connections:traitortrack`."""
    return f"{metric}:{subject}"


def split_name(name: str) -> tuple[str, str]:
    """The metric's key and the subject in the name of a series."""
    metric, _, subject = name.partition(":")
    return metric, subject
