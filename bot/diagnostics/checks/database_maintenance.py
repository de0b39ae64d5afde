"""What a server suffers from slowly: numbers of transactions, dead rows, log held back, statistics that are missing."""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.store.documents import FindingState, Measure
from bot.systems.postgres import Connection
from bot.words import show_size

AGE = """
    SELECT greatest(age(datfrozenxid), mxid_age(datminmxid)), datname FROM pg_database ORDER BY 1 DESC LIMIT 1
"""
AGE_WARN, AGE_CRITICAL = 500_000_000, 1_200_000_000
"""Of two thousand million, at which the server stops taking writes; autovacuum begins at two hundred."""
SLOTS = """
    SELECT slot_name, active, coalesce(wal_status, ''),
           pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                           restart_lsn)::bigint
    FROM pg_replication_slots WHERE NOT active
"""
HELD_CRITICAL_BYTES = 1024**3
TABLES = """
    SELECT format('%I', c.relname), coalesce(s.n_dead_tup, 0), greatest(coalesce(s.n_live_tup, 0), c.reltuples)::bigint,
           coalesce(c.reloptions::text ~ 'autovacuum_enabled=(false|off|0)', false),
           NOT row_security_active(c.oid)
             AND NOT EXISTS (SELECT FROM pg_stats v WHERE v.schemaname = n.nspname AND v.tablename = c.relname),
           coalesce(s.n_mod_since_analyze, 0)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
DEAD, DEAD_SHARE = 10_000, 1.0
UNKNOWN_ROWS = 1_000
HIDDEN_CHANGES = 3
CHECKSUMS = "SELECT datname, checksum_failures FROM pg_stat_database WHERE checksum_failures > 0"


class DatabaseMaintenance(DatabasePointCheck):
    name = "database_maintenance"
    title = "Upkeep of the database"
    timeout_s = 15.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with surroundings.connect(self.timeout_s) as connection:
            yield _judge_age(connection)
            for name, _, status, held in connection.execute(SLOTS).fetchall():
                yield _judge_slot(name, status, held)
            for name, failures in connection.execute(CHECKSUMS).fetchall():
                yield Point("critical", f"{failures} pages of {name} have a wrong checksum: the disk damages data.",
                            signs=("disk damaged",))  # fmt: skip
            for row in connection.execute(TABLES).fetchall():
                yield from _judge_table(*row)


def _judge_age(connection: Connection) -> Point:
    row = connection.execute(AGE).fetchone()
    assert row is not None  # there is one database at least: ours
    age, database = row
    measure = Measure(name="age of the oldest transaction", value=age)
    state: FindingState = "critical" if age >= AGE_CRITICAL else "warning" if age >= AGE_WARN else "ok"
    words = f"The oldest transaction number ({database}) is {age:,} back, of 2,000,000,000."
    if state != "ok":
        words += " VACUUM (FREEZE) has to get there; see what keeps it: old sessions, slots, prepared transactions."
    return Point(state, words, signs=("upkeep missing",), measures=(measure,))


def _judge_slot(name: str, status: str, held: int | None) -> Point:
    if status == "lost":
        return Point("warning", f"The replication slot {name} has lost what its reader needs: build the replica anew.")
    size = show_size(held or 0)
    words = f"Nobody reads the replication slot {name}, and it holds {size} of the log back: the disk fills up."
    words += f" pg_drop_replication_slot('{name}') lets go of it, where the reader will not come back."
    state: FindingState = "critical" if (held or 0) >= HELD_CRITICAL_BYTES else "warning"
    return Point(state, words, signs=("log held back",), normal="Every slot has its reader.")


def _judge_table(name: str, dead: int, live: int, off: bool, no_statistics: bool, changed: int) -> Iterator[Point]:
    if off:
        yield Point("warning", f"Autovacuum is switched off for {name}; it has {dead:,} dead rows.",
                    signs=("upkeep missing",))  # fmt: skip
    elif dead >= DEAD and dead > DEAD_SHARE * live:
        yield Point("warning", f"{name} has {dead:,} dead rows and {live:,} living: reading it is slow until VACUUM.",
                    signs=("upkeep missing",))  # fmt: skip
    if no_statistics and live >= UNKNOWN_ROWS:
        yield Point("warning", f"{name} has no statistics, so queries on it are planned blindly: ANALYZE it.",
                    signs=("upkeep missing",))  # fmt: skip
    elif live >= UNKNOWN_ROWS and changed > HIDDEN_CHANGES * live:
        yield Point("warning", f"{changed:,} changes in {name} since its last ANALYZE.", signs=("upkeep missing",))


CHECK = DatabaseMaintenance()
