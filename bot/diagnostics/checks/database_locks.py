"""Who holds a whole table, and who waits: sessions, and transactions that were prepared and left."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.store.documents import Measure, Suggestion
from bot.systems.postgres import Connection
from bot.systems.queries import RunningQuery, list_queries, why_spared
from bot.words import show_count, show_duration

HELD_S = 5.0
"""A strong lock is held for moments; longer is worth telling."""
AGAIN_S = 1.0
STRONG = ["AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock"]
HOLDERS = """
    SELECT a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'no name'), a.state,
           extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
           string_agg(DISTINCT coalesce(c.relname, 'a table of another database'), ', '), min(l.mode),
           (SELECT count(*) FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock'
                                                      AND a.pid = ANY(pg_blocking_pids(w.pid)))
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid LEFT JOIN pg_class c ON c.oid = l.relation
    WHERE l.granted AND l.locktype = 'relation' AND l.mode = ANY(%(strong)s) AND a.backend_type = 'client backend'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND a.pid <> pg_backend_pid() AND coalesce(c.relkind, 'r') IN ('r', 'p', 'm')
    GROUP BY a.pid, a.usename, a.application_name, a.state, a.xact_start
"""
PREPARED = """
    SELECT p.gid, p.owner, extract(epoch FROM clock_timestamp() - p.prepared)::float8,
           coalesce(string_agg(DISTINCT c.relname, ', '), 'nothing')
    FROM pg_prepared_xacts p
    LEFT JOIN pg_locks l ON l.virtualtransaction = '-1/' || p.transaction::text AND l.locktype = 'relation'
    LEFT JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
    WHERE p.database = current_database() GROUP BY 1, 2, 3
"""
WAITING = """
    SELECT count(*), coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8
    FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
NORMAL = "Strong locks are held for moments, and nobody waits."


class DatabaseLocks(DatabasePointCheck):
    name = "database_locks"
    title = "Locks"

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with surroundings.connect(self.timeout_s) as connection:
            running = {one.pid: one for one in list_queries(connection)}
            holders = connection.execute(HOLDERS, {"strong": STRONG}).fetchall()
            if holders:  # who waits for a young lock may come just after we looked
                time.sleep(AGAIN_S)
                holders = connection.execute(HOLDERS, {"strong": STRONG}).fetchall()
            for holder in holders:
                yield from _judge_holder(surroundings, running, *holder)
            yield from _look_at_prepared(connection)
            yield _count_waiting(connection)


def _judge_holder(
    surroundings: Surroundings, running: dict[int, RunningQuery], pid: int, role: str, application: str, state: str,
    held_s: float, tables: str, mode: str, waiting: int,
) -> Iterator[Point]:  # fmt: skip
    if held_s < HELD_S and not waiting:
        return
    words = f"pid {pid} ({role}, {application}) has held {mode} on {tables} for {show_duration(held_s)}, {state}"
    words += (
        f"; {show_count(waiting, 'session waits', 'sessions wait')} for it."
        if waiting
        else "; whoever wants to use it will wait."
    )
    idle = state != "active"
    yield Point(
        "critical" if waiting or (idle and mode == "AccessExclusiveLock") else "warning", words,
        tuple(_suggest(surroundings, running.get(pid))), ("locked",), normal=NORMAL,
    )  # fmt: skip


def _suggest(surroundings: Surroundings, holder: RunningQuery | None) -> Iterator[Suggestion]:
    settings = surroundings.settings
    if holder and holder.database == surroundings.database and not why_spared(holder, settings.protected_sessions):
        parameters = {"database": surroundings.database, "sessions": [holder.session]}
        yield Suggestion(action="end_queries", label=f"End session {holder.pid}", parameters=parameters)


def _look_at_prepared(connection: Connection) -> Iterator[Point]:
    for gid, owner, age_s, tables in connection.execute(PREPARED).fetchall():
        words = f'The prepared transaction "{gid}" of {owner} was left {show_duration(age_s)} ago and locks {tables}; '
        words += "ROLLBACK PREPARED or COMMIT PREPARED, by hand, lets go of it."
        yield Point("critical" if age_s > HELD_S and tables != "nothing" else "warning", words, signs=("locked",),
                    normal="No transaction stays prepared.")  # fmt: skip


def _count_waiting(connection: Connection) -> Point:
    row = connection.execute(WAITING).fetchone()
    assert row is not None  # an aggregate has one row
    count, longest_s = row
    measure = Measure(name="sessions that wait for locks", value=count)
    if not count:
        return Point("ok", "Nobody waits for a lock.", measures=(measure,))
    words = (
        f"{show_count(count, 'session waits', 'sessions wait')} for locks, the longest for {show_duration(longest_s)}."
    )
    return Point("critical" if longest_s > HELD_S else "warning", words, signs=("locked",), measures=(measure,),
                 normal=NORMAL)  # fmt: skip


CHECK = DatabaseLocks()
