"""What does the application say of its connection pool? (Document, Step 3: connection pool.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.reports import read_report
from bot.store.documents import Finding


class ApplicationPool(Check):
    name = "application_pool"
    title = "Connection pool of the application"
    scope = "application"
    timeout_s = 8.0

    def run(self, surroundings: Surroundings) -> Finding:
        application = surroundings.policy.applications[surroundings.settings.application]
        report = read_report(str(application.url).rstrip("/") + application.pool_path)
        return self.finding(report.state, report.words, report.lines)


CHECK = ApplicationPool()
