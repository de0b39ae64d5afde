"""Does the database let us in and answer? (Document, Step 1: `SELECT 1`.)"""

from __future__ import annotations

import time

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bot.diagnostics.check import NO_WAY_IN, Check, NoWayIn, Surroundings, open_reader
from bot.diagnostics.refusals import explain_refusal
from bot.outcome import Failed, Refused
from bot.store.documents import Finding, Measure, Suggestion
from bot.systems.databases import observe_server
from bot.systems.postgres import database_of, to_maintenance

SLOW_S, ASK_S = 3.0, 2.0
OTHERS = """
    SELECT datname FROM pg_database
    WHERE NOT datistemplate AND datname <> 'postgres' AND pg_get_userbyid(datdba) = %(owner)s
    ORDER BY strpos(datname, %(name)s) = 0, oid LIMIT 3
"""


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
        words = f"{refusal.words}. ({error.reason.rstrip('.')})"
        if refusal.sign == "database gone":
            words = f"{words}{_tell_others(surroundings)}"
        return self.finding(
            "critical", words, [error.words],
            _suggest(surroundings, refusal.sign), normal="It lets the bot in.", signs=[refusal.sign],
        )  # fmt: skip


def _tell_others(surroundings: Surroundings) -> str:
    """Databases of the same owner: one that was renamed is among them, and needs no restore."""
    theirs = surroundings.environment.get(surroundings.settings.connection_env) or surroundings.url()
    try:
        with open_reader(to_maintenance(surroundings.url()), ASK_S) as connection:
            owned = connection.execute(
                OTHERS, {"owner": conninfo_to_dict(theirs).get("user"), "name": database_of(theirs)}
            ).fetchall()
    except (*NO_WAY_IN, psycopg.Error):
        return ""
    names = [str(name) for (name,) in owned]
    likeliest = f" If {names[0]} is it under another name, rename it back instead of restoring." if names else ""
    return f" Others of its owner: {', '.join(names)}.{likeliest}" if names else ""


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
