"""Does the database let us in and answer? (Document, Step 1: `SELECT 1`.)"""

from __future__ import annotations

import time

from bot.diagnostics.check import NO_WAY_IN, Check, NoWayIn, Surroundings
from bot.diagnostics.refusals import explain_refusal
from bot.outcome import Failed, Refused
from bot.store.documents import Finding, Measure, Suggestion
from bot.systems.databases import observe_server

SLOW_S = 3.0


class DatabaseConnectivity(Check):
    name = "database_connectivity"
    title = "Connection to the database"
    scope = "database"
    timeout_s = 7.0
    tells_of_no_way_in = True

    def run(self, surroundings: Surroundings) -> Finding:
        began = time.monotonic()
        try:
            with surroundings.connect(timeout_s=5) as connection:
                connection.execute("SELECT 1")
                server = observe_server(connection)
        except NO_WAY_IN as error:
            return self._explain(surroundings, error)
        took_s = time.monotonic() - began
        measures = [Measure(name="answer", value=took_s, unit="s")]
        summary = f"PostgreSQL {server.version} answered in {took_s * 1000:.0f} ms"
        if server.in_recovery:
            words = f"{summary}, but it is a standby: it takes no writes."
            return self.finding("warning", words, measures=measures, signs=["read only"])
        slow = took_s > SLOW_S
        return self.finding(
            "warning" if slow else "ok", summary + ".", measures=measures, signs=["database slow"] if slow else []
        )

    def _explain(self, surroundings: Surroundings, error: Refused | Failed) -> Finding:
        if isinstance(error, NoWayIn):
            return self.finding("unknown", error.words)
        refusal = explain_refusal(error)
        return self.finding(
            "critical", f"{refusal.words}. ({error.reason.rstrip('.')})", [error.words],
            _suggest(surroundings, refusal.sign), normal="It lets the bot in.", signs=[refusal.sign],
        )  # fmt: skip


def _suggest(surroundings: Surroundings, sign: str) -> list[Suggestion]:
    """Where the database is gone it is restored; where connections leak, a restart gives them back."""
    if sign == "database gone":
        parameters = {"database": surroundings.database}
        return [Suggestion(action="restore_database", label="Restore…", parameters={**parameters})]
    if sign == "connections used up":
        parameters = {"application": surroundings.settings.application}
        return [Suggestion(action="restart_application", label="Restart the application", parameters={**parameters})]
    return []


CHECK = DatabaseConnectivity()
