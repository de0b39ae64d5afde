"""A report that locks a table and never ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from bot.sandbox.scenarios import Scenario, ScenarioFailed

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage

# One row a second or so: as long as the real thing, without the real thing's appetite for this machine.
REPORT = b"SELECT bag.*, pg_sleep(1) FROM bag CROSS JOIN bill ORDER BY random()"


def pull(stage: Stage) -> str:
    """Lock bags against writing and start a query that takes days, on a connection that stays open."""
    connection = psycopg.connect(stage.application_url, application_name="month_end_report.py")
    try:
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("LOCK TABLE bag IN SHARE MODE")
    except psycopg.errors.LockNotAvailable as error:
        connection.close()
        raise ScenarioFailed("another session holds bags locked already") from error
    connection.pgconn.send_query(REPORT)
    stage.keep_open(connection)
    return f"A report (session {connection.info.backend_pid}) holds bags locked: they can be read, not written."


SCENARIO = Scenario(
    name="runaway-query",
    title="Start a runaway query",
    description="A month-end report locks the bags and does not end; the warehouse cannot store new ones.",
    pull=pull,
    position=50,
)
