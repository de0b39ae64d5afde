"""Runs that begin and end at the same instant, on the same things, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.recovery.locks import Held, release_locks, take_locks
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Lock
from tests.integration.store.test_desk_at_once import at_once

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
THINGS = ("app_1", "app_2", "traitortrack")
ROUNDS = 10


def work(database: Database, number: int) -> bool:
    """Begin and end a run, as `Execution` does; False where another has the locks."""
    try:
        with database.write() as session:
            take_locks(session, THINGS, run_id=number + 1, holder="mei", reason="Deploy", now=NOON)
    except Held:
        return False
    with database.write() as session:
        release_locks(session, number + 1)
        ledger.append(session, kind="run.done", actor="holdfast", text=f"Run {number + 1}")
    return True


def work_often(database: Database, number: int) -> int:
    return sum(work(database, number) for _ in range(ROUNDS))


def test_who_begins_and_who_ends_do_not_wait_for_one_another(database: Database) -> None:
    done = at_once(lambda number: work_often(database, number))
    assert all(isinstance(one, int) for one in done), done
    with database.read() as session:
        assert session.query(Lock).count() == 0
