"""The engine: what was committed is done, once and in order, whoever is killed in between."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import engine as engine_room
from bot.election import LEADER_LOCK
from bot.engine import Engine
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import LedgerEntry
from tests.workspace.waiting import wait_for

LIMIT_S = 30.0
KILLED = """
import sys, time
from pathlib import Path
from bot.election import LEADER_LOCK
from bot.engine import Engine
from bot.store.database import Database

def work(number):
    Path(sys.argv[2]).write_text(str(number))
    time.sleep(600)

engine = Engine(Database(sys.argv[1]))
engine.register("work", work)
engine.lead()
time.sleep(600)
"""


class Work:
    """A workflow that notes what it was started for."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def __call__(self, number: int) -> None:
        self.done.append(number)

    __name__ = "work"


@pytest.fixture
def work(engine: Engine) -> Work:
    work = Work()
    engine.register("work", work)
    return work


def enqueue(engine: Engine, number: int, **options: object) -> None:
    with engine.database.write() as session:
        engine.enqueue(session, "work", number, **{"key": f"work-{number}", **options})  # type: ignore[arg-type]


def enqueue_ten(engine: Engine, first: int) -> None:
    for number in range(first, first + 10):
        enqueue(engine, number)


def wait_until_done(engine: Engine, what: str = "end of all work") -> None:
    wait_for(lambda: engine.pending() == 0, what, LIMIT_S)


def test_what_is_committed_is_done_once(engine: Engine, work: Work) -> None:
    enqueue(engine, 1)
    enqueue(engine, 1)
    engine.lead()
    enqueue(engine, 1)
    enqueue(engine, 2)
    wait_until_done(engine)
    enqueue(engine, 1)
    enqueue(engine, 3)
    wait_for(lambda: 3 in work.done, "third work", LIMIT_S)
    wait_until_done(engine)
    assert sorted(map(str, work.done)) == ["1", "2", "3"]
    assert engine.troubles() == []


def test_state_and_the_intent_to_act_are_one(engine: Engine, work: Work) -> None:
    """Rolled back, neither is there; committed, both are."""
    engine.lead()

    def note_and_start(number: int, *, fail: bool) -> None:
        with engine.database.write() as session:
            ledger.append(session, kind="test", actor="mei", text=str(number), key=str(number))
            engine.enqueue(session, "work", number, key=f"work-{number}")
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        note_and_start(1, fail=True)
    note_and_start(2, fail=False)
    wait_for(lambda: work.done, "work", LIMIT_S)
    wait_until_done(engine)
    assert work.done == [2]
    with engine.database.read() as session:
        assert [entry.text for entry in session.query(LedgerEntry)] == ["2"]
    note_and_start(1, fail=False)
    wait_for(lambda: 1 in work.done, "work whose key was rolled back", LIMIT_S)


def test_what_is_due_later_waits(engine: Engine, work: Work) -> None:
    engine.lead()
    enqueue(engine, 1, delay_s=2.0)
    enqueue(engine, 2)
    wait_for(lambda: len(work.done) == 2, "both", LIMIT_S)
    assert work.done == [2, 1]


def test_in_a_partition_one_at_a_time_and_in_order(make_engine: Callable[[], Engine]) -> None:
    engine, begun, release = make_engine(), list[int](), threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            assert release.wait(LIMIT_S)

    engine.register("work", work)
    for number in (3, 1, 2, 5, 4, 7, 6):
        enqueue(engine, number, queue="deliveries", partition="here", order=number)
    engine.lead()
    try:
        for number in (1, 100, 101):  # each of the others shows that the queue was looked at once more
            if number != 1:
                enqueue(engine, number, queue="deliveries", partition="elsewhere", order=number)
            wait_for(partial(begun.__contains__, number), f"work {number}", LIMIT_S)
        assert begun == [1, 100, 101], "the first holds up those behind it, and nobody else"
    finally:
        release.set()
    wait_until_done(engine)
    assert [number for number in begun if number < 100] == [1, 2, 3, 4, 5, 6, 7]


def test_partitions_go_side_by_side(make_engine: Callable[[], Engine]) -> None:
    engine, both = make_engine(), threading.Barrier(2, timeout=LIMIT_S)

    def work(_number: int) -> None:
        both.wait()

    engine.register("work", work)
    enqueue(engine, 1, queue="runs", partition="one")
    enqueue(engine, 2, queue="runs", partition="other")
    engine.lead()
    wait_until_done(engine)
    assert engine.troubles() == [], "each has waited for the other"


def test_work_of_the_leading_process_does_not_wait_for_the_next_look(
    engine: Engine, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queues are looked at once an hour here: only the bell can have started it."""
    monkeypatch.setattr(engine_room, "POLL_S", 3600.0)
    engine.lead()
    enqueue(engine, 1)
    wait_for(lambda: work.done == [1], "work", LIMIT_S)
    for number in (2, 3, 4):
        enqueue(engine, number, queue="deliveries", partition="here", order=number)
    wait_for(lambda: work.done == [1, 2, 3, 4], "one after another", LIMIT_S)
    more = 2 * engine_room.WORKERS["work"]
    with engine.database.write() as session:
        for number in range(10, 10 + more):
            engine.enqueue(session, "work", number, key=f"work-{number}")
    wait_for(lambda: len(work.done) == 4 + more, "what has found all workers busy", LIMIT_S)


def test_work_of_other_processes_is_found(engine: Engine, work: Work, make_engine: Callable[[], Engine]) -> None:
    engine.lead()
    other = make_engine()
    enqueue(other, 1)
    wait_for(lambda: work.done == [1], "work of somebody who does not lead", LIMIT_S)


def test_one_leads(make_engine: Callable[[], Engine]) -> None:
    first, second = make_engine(), make_engine()
    assert first.lead(wait=False)
    assert not second.lead(wait=False)
    assert (first.is_leader, second.is_leader) == (True, False)
    first.stop()
    assert second.lead(wait=False)


def test_what_a_killed_process_began_is_done_by_the_next(
    engine: Engine, work: Work, store_url: str, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    enqueue(engine, 7)
    other = subprocess.Popen([sys.executable, "-c", KILLED, store_url, str(began)])
    try:
        wait_for(lambda: began.exists() and began.read_text() == "7", "beginning", LIMIT_S)
        assert not engine.lead(wait=False), "somebody else leads"
    finally:
        other.kill()
        other.wait()
    engine.lead()
    wait_for(lambda: work.done == [7], "taking over", LIMIT_S)
    wait_until_done(engine)
    assert engine.troubles() == []


def test_a_workflow_that_fails_is_reported_and_holds_nobody_up(make_engine: Callable[[], Engine]) -> None:
    engine, done = make_engine(), list[int]()

    def work(number: int) -> None:
        if number == 1:
            raise ValueError("a mistake")
        done.append(number)

    engine.register("work", work)
    engine.lead()
    for number in (1, 2):
        enqueue(engine, number, queue="runs", partition="here", order=number)
    wait_for(lambda: done == [2], "the next one", LIMIT_S)
    wait_until_done(engine)
    assert engine.troubles() == ["work (work-1) ended as ERROR"]


def break_store(database: Database) -> None:
    """As it breaks by itself: the server ends the session, or somebody else writes for too long."""
    with database.write() as session:
        if not database.is_sqlite:
            session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        with sqlite3.connect(str(database.file), timeout=0) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise sa.exc.OperationalError("BEGIN IMMEDIATE", {}, error) from error


def test_trouble_with_the_store_is_no_outcome(
    database: Database, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_room, "AGAIN_AFTER_S", (0.01,))
    tried, done = list[int](), list[int]()

    def work(number: int) -> None:
        tried.append(number)
        if len(tried) <= 3:
            break_store(database)
        done.append(number)

    engine.register("work", work)
    engine.lead()
    enqueue(engine, 7)
    wait_for(lambda: done == [7], "the work", LIMIT_S)
    wait_until_done(engine)
    assert (len(tried), engine.troubles()) == (4, [])


def test_work_that_hangs_or_that_nobody_will_do_is_reported(engine: Engine) -> None:
    enqueue(engine, 1)
    table = "workflow_status" if engine.database.is_sqlite else "dbos.workflow_status"
    for change, troubles in {
        "status = 'PENDING'": [],
        "status = 'DELAYED', updated_at = 1": [],
        "status = 'PENDING', updated_at = 1": ["work (work-1) has been under way for more than 12 h"],
        "status = 'DELAYED', application_version = '0'": ["work (work-1) waits for version 0 of the workflows"],
    }.items():
        with engine.database.write() as session:
            session.execute(sa.text(f"UPDATE {table} SET {change}"))
        assert engine.troubles() == troubles, change


def test_a_lead_that_cannot_be_proven_any_more_is_lost(engine: Engine) -> None:
    lost = threading.Event()
    engine.lead(on_lost=lost.set)
    take_lead_away(engine.database)
    assert lost.wait(LIMIT_S)


def take_lead_away(database: Database) -> None:
    """The lock file is removed; the connection that has the lock is ended."""
    if database.file is not None:
        Path(f"{database.file}.leader").unlink()
        return
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    lock = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = {LEADER_LOCK & 0xFFFFFFFF} AND {here}"
    with database.write() as session:
        assert session.scalars(sa.text(f"SELECT pg_terminate_backend(pid) FROM ({lock}) AS leader")).all() == [True]


def test_who_cannot_begin_leaves_the_lead_to_others_and_ends(
    engine: Engine, make_engine: Callable[[], Engine], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = list[int]()
    monkeypatch.setattr(engine_room, "_end_process", ends.append)
    queues = "queues" if engine.database.is_sqlite else "dbos.queues"
    rename(engine.database, queues, "away")
    engine.lead_or_end()
    assert (ends, engine.is_leader) == ([70], False)
    rename(engine.database, "away" if engine.database.is_sqlite else "dbos.away", "queues")
    other = make_engine()
    other.register("work", work)
    assert other.lead(wait=False)
    enqueue(other, 1)
    wait_for(lambda: work.done == [1], "the work", LIMIT_S)


def rename(database: Database, table: str, name: str) -> None:
    with database.write() as session:
        session.execute(sa.text(f"ALTER TABLE {table} RENAME TO {name}"))


def test_a_name_is_given_once(engine: Engine, work: Work) -> None:
    with pytest.raises(ValueError, match="'work' is registered already"):
        engine.register("work", work)


def test_everything_at_once(database: Database, engine: Engine, work: Work) -> None:
    """Many threads enqueue while work is done: nothing is lost, nothing twice."""
    engine.lead()
    threads = [threading.Thread(target=enqueue_ten, args=(engine, base)) for base in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until_done(engine)
    assert sorted(map(int, map(str, work.done))) == list(range(80))
