"""What the server does right now, from two looks: commits, what is rolled back, deadlocks, what sessions wait for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.store.documents import Measure
from bot.systems.postgres import Connection

BETWEEN_S = 2.0
COUNTERS = """
    SELECT xact_commit, xact_rollback, deadlocks FROM pg_stat_database WHERE datname = current_database()
"""
WAITS = """
    SELECT coalesce(wait_event_type || ': ' || wait_event, 'computing'),
           coalesce(extract(epoch FROM clock_timestamp() - query_start), 0)::float8
    FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
ROLLED_BACK, FEWEST = 0.2, 5
WAITS_S = 2.0


@dataclass(frozen=True)
class Look:
    at: float
    counters: tuple[int, int, int]


class DatabaseActivity(DatabasePointCheck):
    name = "database_activity"
    title = "What the server does"
    timeout_s = 15.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with surroundings.connect(self.timeout_s) as connection:
            before = _look(connection)
            time.sleep(BETWEEN_S)
            after = _look(connection)
            waits = connection.execute(WAITS).fetchall()
        yield from _judge_transactions(before, after)
        yield from _judge_waits(waits)


def _look(connection: Connection) -> Look:
    counters = connection.execute(COUNTERS).fetchone()
    assert counters is not None  # we are in it
    commits, rollbacks, deadlocks = counters
    return Look(time.monotonic(), (commits, rollbacks, deadlocks))


def _judge_transactions(before: Look, after: Look) -> Iterator[Point]:
    took_s = after.at - before.at
    commits, rollbacks, deadlocks = (new - old for new, old in zip(after.counters, before.counters, strict=True))
    measure = Measure(name="commits a second", value=round(commits / took_s, 1))
    yield Point("ok", f"{commits / took_s:.1f} commits a second.", measures=(measure,))
    if rollbacks >= FEWEST and rollbacks > ROLLED_BACK * (commits + rollbacks):
        words = f"{rollbacks} of {commits + rollbacks} transactions within {took_s:.0f} s were rolled back."
        yield Point("warning", words, signs=("statements fail",), normal="Few are.")
    if deadlocks:
        yield Point("warning", f"{deadlocks} deadlocks within {took_s:.0f} s.", signs=("statements fail",))


def _judge_waits(waits: list[tuple[str, float]]) -> Iterator[Point]:
    long = Counter(what for what, seconds in waits if seconds >= WAITS_S)
    for what, count in long.most_common():
        if what == "IPC: SyncRep":
            words = f"{count} commits wait for a synchronous standby that does not confirm; see the replication."
            yield Point("critical", words, signs=("commits wait",), normal="A commit takes milliseconds.")
        else:
            yield Point("ok", f"{count} sessions are at it for {WAITS_S:.0f} s or more ({what}).")


CHECK = DatabaseActivity()
