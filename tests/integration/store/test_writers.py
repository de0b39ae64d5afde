"""Whoever writes, on both databases: one after another, and not held up by one whose machine is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import sqlalchemy as sa

from bot.store import ledger
from bot.store.database import BUSY_S, LOST_AFTER, STORE_TROUBLE, Database
from bot.store.tables import LedgerEntry, LedgerHead, Lock
from tests.integration.store.test_desk_at_once import at_once
from tests.integration.store.test_locks_at_once import NOON

ROUNDS = 10


def test_a_second_one_begins_when_the_first_is_done(database: Database) -> None:
    order, inside = list[str](), Event()

    def write_second() -> None:
        inside.wait(timeout=30)
        with database.write():
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            second = pool.submit(write_second)
            inside.set()
            ledger.append(session, kind="note", actor="mei", text="first")
            order.append("first")
        second.result(timeout=60)
    assert order == ["first", "second"]


def test_opposite_orders_are_no_circle(database: Database) -> None:
    with database.write() as session:
        session.add(Lock(target="app_1", run_id=1, holder="mei", reason="Deploy", since=NOON))

    def change(number: int) -> None:
        rows = [(LedgerHead, 1), (Lock, "app_1")]
        for _ in range(ROUNDS):
            with database.write() as session:
                for table, key in rows if number % 2 else reversed(rows):
                    session.get(table, key, with_for_update=True)

    at_once(change)  # a circle would be raised here


def test_a_server_notices_soon_that_a_writer_is_gone(stores: dict[str, Database]) -> None:
    """On SQLite its locks end with the process."""
    database = stores["postgresql"]
    with database.write() as session:
        shown = [session.scalar(sa.text(f"SHOW {one.partition('=')[0]}")) for one in LOST_AFTER]
    with pytest.raises(STORE_TROUBLE), database.write() as session:
        session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with database.write() as session:
        again = session.scalar(sa.text("SHOW tcp_keepalives_idle"))
    assert (shown, again) == (["5", "3", "3", "1min"], "5")


@pytest.mark.timeout(BUSY_S * 2 / 3)
@pytest.mark.parametrize("is_lost", [False, True])
def test_one_that_fails_is_not_waited_for(database: Database, is_lost: bool) -> None:
    with pytest.raises(ArithmeticError):
        note(database, fails=True, is_lost=is_lost)
    with database.read() as session, ThreadPoolExecutor(1) as pool:
        assert session.scalar(sa.select(LedgerHead.seq)) == 0  # keeps the connection that the failed one had
        pool.submit(note, database).result(timeout=BUSY_S / 2)
    with database.read() as session:
        assert session.scalars(sa.select(LedgerEntry.text)).all() == ["kept"]


def note(database: Database, *, fails: bool = False, is_lost: bool = False) -> None:
    with database.write() as session:
        ledger.append(session, kind="note", actor="mei", text="kept")
        if is_lost:
            session.connection().invalidate()
        if fails:
            raise ArithmeticError
