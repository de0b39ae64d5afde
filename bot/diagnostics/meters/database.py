"""A PostgreSQL database: who is connected, what runs, how much is written, how far replicas are behind.

One connection and one statement, and one more for each of the policy's loss tables whose time column has an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from bot.diagnostics.meter import Before, Measured
from bot.diagnostics.metrics import series_name
from bot.policy import Database
from bot.store.tables import Json
from bot.systems.postgres import Connection, connect

TIMEOUT_S = 4
OURS = r"^(holdfast|pg_dump|pg_dumpall|pg_restore|pg_basebackup|pg_receivewal)\M"
"""Backups and the bot itself work for hours, and are not what anybody waits for."""

LOOK = """
    WITH clients AS (
        SELECT * FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    ), behind AS (
        SELECT max(coalesce(extract(epoch FROM replay_lag), 0)) AS lag_s
        FROM pg_stat_replication WHERE state <> 'backup'
    )
    SELECT count(*), count(*) FILTER (WHERE state = 'active'),
           count(*) FILTER (WHERE state LIKE 'idle in transaction%%'),
           coalesce(max(extract(epoch FROM clock_timestamp() - query_start))
                    FILTER (WHERE state = 'active' AND application_name !~* %(ours)s), 0),
           count(*) FILTER (WHERE wait_event_type = 'Lock'),
           (SELECT lag_s FROM behind), pg_database_size(current_database()),
           (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
           (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()),
           extract(epoch FROM clock_timestamp())
    FROM clients
"""
GAUGES = (
    "connections", "connections_active", "connections_idle_in_transaction", "longest_query", "blocked_sessions",
    "replication_lag", "database_size",
)  # fmt: skip
# Where statistics were never gathered, as in a database made from a template, the planner's word holds.
TABLE = """
    SELECT CASE WHEN s.n_live_tup = 0 AND s.n_tup_ins = 0 THEN greatest(c.reltuples, 0) ELSE s.n_live_tup END,
           EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                   WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND a.attname = %s)
    FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.oid = to_regclass(%s)
"""
NEWEST = sql.SQL("SELECT extract(epoch FROM now() - max({column})) FROM {table}")


@dataclass(frozen=True)
class DatabaseMeter:
    """One database of the policy; the URL is read from the environment when it is needed."""

    name: str
    settings: Database
    environment: Mapping[str, str]

    @property
    def key(self) -> str:
        return f"database:{self.name}"

    @property
    def every(self) -> int:
        return 1

    def measure(self, now: datetime, before: Before | None) -> Measured:
        """Raises `DatabaseUnreachable`, `psycopg.Error`, or `KeyError` naming the variable."""
        url = self.environment.get(self.settings.recovery_env) or self.environment[self.settings.connection_env]
        with connect(
            url, purpose="measure", connect_timeout_s=TIMEOUT_S, statement_timeout_s=TIMEOUT_S, lock_timeout_s=1
        ) as connection:
            row = connection.execute(LOOK, {"ours": OURS}).fetchone()
            assert row is not None  # an aggregate always has one row
            *gauges, oid, transactions, clock = row
            found = {
                series_name(key, self.name): float(value)
                for key, value in zip(GAUGES, gauges, strict=True)
                if value is not None
            }
            kept: Json = {"oid": oid, "transactions": int(transactions or 0), "clock": float(clock)}
            found |= self._count_transactions(kept, before.kept if before else {})
            missing = [table for table in self.settings.loss_tables if not self._look_at(connection, table, found)]
        trouble = f"There is no table {' and no table '.join(missing)}." if missing else ""
        return Measured(found, kept, trouble)

    def _count_transactions(self, kept: Json, before: Json) -> dict[str, float]:
        """Per second since the look before, unless the counter began anew since."""
        done, seconds = (_difference(kept, before, key) for key in ("transactions", "clock"))
        if kept["oid"] != before.get("oid") or done is None or seconds is None or done < 0 or seconds <= 0:
            return {}
        return {series_name("transactions", self.name): done / seconds}

    def _look_at(self, connection: Connection, table: str, found: dict[str, float]) -> bool:
        """Add what is known of a table; False where there is none of that name."""
        column, name = self.settings.loss_tables[table], sql.Identifier(*table.split("."))
        row = connection.execute(TABLE, (column, name.as_string(connection))).fetchone()
        if row is None:
            return False
        subject, (rows, is_indexed) = f"{self.name}.{table}", row
        found[series_name("rows", subject)] = float(rows or 0)
        if is_indexed:  # without, the whole table would be read each time
            newest = connection.execute(NEWEST.format(column=sql.Identifier(column), table=name)).fetchone()
            if newest and newest[0] is not None:
                found[series_name("newest_row_age", subject)] = max(0.0, float(newest[0]))
        return True


def _difference(now: Json, before: Json, key: str) -> float | None:
    after, earlier = now.get(key), before.get(key)
    if isinstance(after, (int, float)) and isinstance(earlier, (int, float)):
        return float(after) - float(earlier)
    return None
