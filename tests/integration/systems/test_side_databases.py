"""A database beside the live one, while the server is still at work for a bot that has died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import sql

from bot.systems.postgres import connect
from bot.systems.side_databases import drop_side
from tests.integration.rds.driver import wait_until

NAME = "made_by_a_dead_bot"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'"


def test_what_is_being_made_is_waited_for_and_then_dropped(maintenance_url: str) -> None:
    with psycopg.connect(maintenance_url, autocommit=True) as dying, ThreadPoolExecutor(1) as pool:
        dying.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"holdfast: {NAME}",))
        dropped = pool.submit(drop_side, maintenance_url, NAME)
        with connect(maintenance_url) as watching:
            wait_until("somebody who waits", lambda: watching.execute(WAITING).fetchone() == (1,))
        dying.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
        dying.close()
        assert dropped.result(timeout=60)
    assert not drop_side(maintenance_url, NAME)
