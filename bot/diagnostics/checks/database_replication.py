"""Replicas and how far they are behind. (Document, Step 3: replication lag.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding, Measure
from bot.words import show_count, show_duration, show_size

REPLICAS = """
    SELECT coalesce(nullif(application_name, ''), client_addr::text, 'replica'), state, sync_state,
           pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                           coalesce(replay_lsn, write_lsn))::bigint,
           extract(epoch FROM CASE WHEN replay_lsn IS NULL THEN write_lag ELSE replay_lag END)::float8
    FROM pg_stat_replication WHERE state <> 'backup'
"""
# What replays nothing only receives the log, into an archive: there the last byte written counts.
WARN_LAG_S = 60.0
SHOWN = 3
WARN_LAG_BYTES = 256 * 1024 * 1024


class DatabaseReplication(Check):
    name = "database_replication"
    title = "Replication"
    scope = "database"

    def run(self, surroundings: Surroundings) -> Finding:
        with surroundings.connect(self.timeout_s) as connection:
            replicas = connection.execute(REPLICAS).fetchall()
        if not replicas:
            return self.finding("ok", "No replica is connected, so there is no lag to watch.")
        measure = Measure(name="lag", value=max(float(row[4] or 0) for row in replicas), unit="s")
        late = [row for row in replicas if (row[4] or 0) > WARN_LAG_S or (row[3] or 0) > WARN_LAG_BYTES]
        lines = [
            f"{name}: {state}, {sync}, {_lag(lag_bytes, lag_s)} behind"
            for name, state, sync, lag_bytes, lag_s in replicas
        ]
        if late:
            told = [f"{name} by {_lag(size, lag_s)} ({state})" for name, state, _, size, lag_s in late[:SHOWN]]
            words = "; ".join(told)
            summary = f"{len(late)} of {show_count(len(replicas), 'replica')} behind: {words}."
            return self.finding("warning", summary, lines, signs=["replica behind"], measures=[measure])
        return self.finding(
            "ok", f"{show_count(len(replicas), 'replica keeps', 'replicas keep')} up.", lines, measures=[measure]
        )


def _lag(lag_bytes: int | None, lag_s: float | None) -> str:
    size = "an unknown amount" if lag_bytes is None else show_size(lag_bytes)
    return size if lag_s is None else f"{size} and {show_duration(lag_s)}"


CHECK = DatabaseReplication()
