"""A migration meant for another database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from bot.sandbox.scenarios import Scenario, ScenarioFailed

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


def pull(stage: Stage) -> str:
    """Drop the table of bags with all that hangs on it."""
    with psycopg.connect(stage.application_url, application_name="migrate.py") as connection:
        try:
            connection.execute("DROP TABLE bag CASCADE")
        except psycopg.errors.UndefinedTable as error:
            raise ScenarioFailed("the table bag is already gone") from error
    return "A migration dropped the table bag; the warehouse cannot work."


SCENARIO = Scenario(
    name="dropped-table",
    title="Drop the table of bags",
    description="A migration written for another database drops the table bag, its view and foreign keys.",
    pull=pull,
    position=20,
)
