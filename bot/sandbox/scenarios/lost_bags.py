"""A clean-up script with the wrong number of days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from bot.sandbox.scenarios import Scenario

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


def pull(stage: Stage) -> str:
    """Delete all bags older than nine days; their scans go with them."""
    with psycopg.connect(stage.application_url, application_name="cleanup_old_bags.py") as connection:
        # One picture of the data throughout: the warehouse goes on adding bags meanwhile.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        before = _count(connection)
        connection.execute("DELETE FROM bag WHERE created_at < now() - interval '9 days'")
        after = _count(connection)
    bags, scans = (was - now for was, now in zip(before, after, strict=True))
    return f"A clean-up script deleted {bags:,} of {before[0]:,} bags, and {scans:,} scans of them."


def _count(connection: psycopg.Connection) -> tuple[int, int]:
    row = connection.execute("SELECT (SELECT count(*) FROM bag), (SELECT count(*) FROM bag_scan)").fetchone()
    assert row is not None
    return row[0], row[1]


SCENARIO = Scenario(
    name="lost-bags",
    title="Lose most bags",
    description="A clean-up script meant to delete bags older than 900 days deletes those older than 9.",
    pull=pull,
    position=10,
)
