"""What does the application say of the system it runs on? (Document, Step 3: system health.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.reports import read_report
from bot.store.documents import Finding


class ApplicationSystemHealth(Check):
    name = "application_system_health"
    title = "What the application says of its host"
    scope = "application"
    timeout_s = 8.0

    def run(self, surroundings: Surroundings) -> Finding:
        application = surroundings.policy.applications[surroundings.settings.application]
        report = read_report(str(application.url).rstrip("/") + application.system_health_path)
        signs = ["page broken"] if report.state == "critical" else []
        return self.finding(report.state, report.words, report.lines, signs=signs)


CHECK = ApplicationSystemHealth()
