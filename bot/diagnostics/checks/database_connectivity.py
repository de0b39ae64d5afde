"""Does the database let us in and answer? (Document, Step 1: `SELECT 1`.)"""

from __future__ import annotations

import time

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding
from bot.systems.databases import observe_server

SLOW_S = 1.0


class DatabaseConnectivity(Check):
    name = "database_connectivity"
    title = "Connection to the database"
    scope = "database"
    timeout_s = 6.0

    def run(self, surroundings: Surroundings) -> Finding:
        began = time.monotonic()
        with surroundings.connect(timeout_s=5) as connection:
            connection.execute("SELECT 1")
            server = observe_server(connection)
        took_s = time.monotonic() - began
        summary = f"PostgreSQL {server.version} answered in {took_s * 1000:.0f} ms"
        if server.in_recovery:
            return self.finding("warning", f"{summary}, but it is a standby: it takes no writes.")
        return self.finding("warning" if took_s > SLOW_S else "ok", summary + ".")


CHECK = DatabaseConnectivity()
