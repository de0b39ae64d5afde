"""What does the application say of its connection pool? (Document, Step 3: connection pool.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.reports import read_report
from bot.store.documents import Finding, Measure

TAKEN = ("in_use", "checked_out", "checkedout", "busy", "active", "used")
SIZE = ("size", "pool_size", "max_size", "max", "limit", "total")
"""What pools of connections call those in use, and all that they may have."""


class ApplicationPool(Check):
    name = "application_pool"
    title = "Connection pool of the application"
    scope = "application"
    timeout_s = 8.0

    def run(self, surroundings: Surroundings) -> Finding:
        application = surroundings.policy.applications[surroundings.settings.application]
        report = read_report(str(application.url).rstrip("/") + application.pool_path)
        taken, size = (_find(report.facts, names) for names in (TAKEN, SIZE))
        if report.state != "ok" or taken is None or not size:
            signs = ["page broken"] if report.state == "critical" else []
            return self.finding(report.state, report.words, report.lines, signs=signs)
        measure = Measure(name="connections in use", value=taken)
        full = taken >= size
        words = f"{taken:.0f} of {size:.0f} connections are in use" + (": every other request waits." if full else ".")
        return self.finding(
            "warning" if full else "ok", words, report.lines, measures=[measure],
            signs=["pool used up"] if full else [],
        )  # fmt: skip


def _find(facts: dict[str, float], names: tuple[str, ...]) -> float | None:
    """The first figure whose name ends so, wherever in the report."""
    found = (value for path, value in facts.items() if path.lower().rpartition(".")[2] in names)
    return next(found, None)


CHECK = ApplicationPool()
