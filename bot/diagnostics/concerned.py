"""Which of CloudWatch's series a diagnosis concerns: they are fetched when something in it points at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.diagnostics.metrics import METRICS, Metric
from bot.store.documents import Finding

BY_CHECK: dict[str, tuple[str, ...]] = {
    "infrastructure_rds_storage": ("rds_free_storage", "rds_credits"),
    "infrastructure_rds_instance": ("rds_connections", "rds_cpu"),
    "infrastructure_rds_events": ("rds_connections", "rds_cpu"),
    "infrastructure_load_balancer": ("balancer_errors",),
    "database_connections": ("rds_connections",),
    "database_connectivity": ("rds_connections",),
    "database_replication": ("rds_replica_lag",),
}
BY_SIGN: dict[str, tuple[str, ...]] = {
    "disk full": ("rds_free_storage",),
    "storage runs out": ("rds_free_storage",),
    "database slow": ("rds_cpu", "rds_credits"),
    "long query": ("rds_cpu", "rds_credits"),
    "connections used up": ("rds_connections",),
}
"""In the order in which they tell most."""


def list_concerned(findings: Iterable[Finding]) -> list[Metric]:
    """Metrics that CloudWatch has and bad findings point at, each once, the first finding's first."""
    bad = [one for one in findings if one.state in ("critical", "warning")]
    return [METRICS[key] for key in dict.fromkeys(key for one in bad for key in _keys(one))]


def _keys(finding: Finding) -> Iterator[str]:
    yield from BY_CHECK.get(finding.check, ())
    for sign in finding.signs:
        yield from BY_SIGN.get(sign, ())
