"""What is usual here: the span of what earlier sweeps measured while the check was content."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from statistics import median

from bot.diagnostics.check import Lookup, nothing_known
from bot.store.documents import Finding, Measure
from bot.store.tables import Sweep
from bot.words import show_duration, show_size

FEWEST = 3
"""From fewer looks nothing is called usual."""
NOT_KNOWN = "Not known yet, from too few looks at it."
TOLD = 2
MEASURED = {
    ("application_health", "answer"): "health_latency",
    ("database_connections", "connections"): "connections",
    ("database_locks", "sessions that wait for locks"): "blocked_sessions",
    ("database_long_queries", "the longest"): "longest_query",
    ("database_replication", "lag"): "replication_lag",
    ("database_size", "size"): "database_size",
    ("database_activity", "commits a second"): "transactions",
}
"""By check and measure: the metric of the same figure, where it is measured all the time (`metrics.py`)."""


class Normal:
    """Figures of earlier findings that were good, by what they are about; and what is measured all the time."""

    def __init__(self, sweeps: Iterable[Sweep], usual: Lookup = nothing_known) -> None:
        self._usual = usual
        self._seen: dict[tuple[str, str], list[tuple[datetime, float]]] = {}
        for sweep in sweeps:
            for finding in sweep.findings:
                if finding.state == "ok":
                    for one in finding.measures:
                        self._seen.setdefault((finding.key, one.name), []).append((sweep.started_at, one.value))

    def tell(self, finding: Finding) -> Finding:
        """The finding with what is normal, where it has figures and does not say so itself."""
        if finding.normal:
            return finding
        told = [words for one in finding.measures if (words := self._tell_one(finding, one))]
        if told:
            return finding.model_copy(update={"normal": f"{'; '.join(told[:TOLD])}."})
        bad = finding.state in ("warning", "critical")
        return finding.model_copy(update={"normal": NOT_KNOWN}) if bad else finding

    def _tell_one(self, finding: Finding, measure: Measure) -> str | None:
        if (metric := MEASURED.get((finding.check, measure.name))) and finding.subject:
            usual = self._usual(metric, finding.subject)
            if usual is not None:
                low, high = show_measure(measure, usual.low), show_measure(measure, usual.high)
                return f"{measure.name} {low} to {high}, mostly {show_measure(measure, usual.median)}"
        seen = self._seen.get((finding.key, measure.name), [])
        if len(seen) < FEWEST:
            return None
        values = sorted(value for _, value in seen)
        low, high = show_measure(measure, values[0]), show_measure(measure, values[-1])
        span = low if low == high else f"{low} to {high}, mostly {show_measure(measure, median(values))}"
        return f"{measure.name} {span} in {len(seen)} looks since {min(at for at, _ in seen):%Y-%m-%d}"


def show_measure(measure: Measure, value: float) -> str:
    """A value in the measure's unit."""
    if measure.unit == "s":
        return show_duration(value)
    if measure.unit == "bytes":
        return show_size(int(value))
    return f"{value:,.0f}{' %' if measure.unit == '%' else ''}"
