"""Rows per table against the last verified backup: what has shrunk or gone since?"""

from __future__ import annotations

import psycopg

from bot.diagnostics.check import LOCK_TIMEOUT_S, Check, Surroundings
from bot.outcome import Failed, Refused
from bot.store.documents import Finding, FindingState, Measure, Suggestion
from bot.systems.dumps.manifest import Manifest
from bot.systems.fingerprints import FingerprintFailed, count_rows
from bot.words import show_count, show_duration

HIDDEN = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relrowsecurity AND row_security_active(c.oid)
"""
SHRUNK_TOLD, SHRUNK_WARN, SHRUNK_CRITICAL = 0.002, 0.05, 0.2
GROWN, GROWN_ROWS = 1.8, 100
TABLES, TOLD = 20, 3


class DatabaseRows(Check):
    name = "database_rows"
    title = "Rows against the last verified backup"
    scope = "database"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 20.0

    def run(self, surroundings: Surroundings) -> Finding:
        back_up = Suggestion(
            action="back_up_database", label="Back up now", parameters={"database": surroundings.database}
        )
        try:
            newest = surroundings.baseline()
        except (Refused, Failed) as error:
            return self.finding("unknown", f"The backups cannot be read: {error.words}")
        if newest is None:
            return self.finding("warning", "There is no verified backup to compare with.", suggests=[back_up])
        try:
            rows = count_rows(
                surroundings.url(), trees=newest.fingerprint.trees, statement_timeout_s=10,
                lock_timeout_s=LOCK_TIMEOUT_S,
            )  # fmt: skip
        except FingerprintFailed as error:
            raise (error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error) from error
        hidden = _list_hidden(surroundings, self.timeout_s / 2)
        finding = self._judge(surroundings, _without(newest, hidden), rows)
        if not hidden or finding.state == "critical":
            return finding
        words = f"Row security hides rows of {', '.join(sorted(hidden))} from the bot, so they are not compared. "
        return finding.model_copy(update={"state": "warning", "summary": words + finding.summary})

    def _judge(self, surroundings: Surroundings, newest: Manifest, rows: dict[str, int]) -> Finding:
        """Fewer rows than there were is what a bad script looks like; a missing table is always critical."""
        expected = newest.fingerprint.counts
        lines = [_describe(name, count, rows.get(name)) for name, count in expected.items()]
        lines += [f"{name}: {count:,} now, not in the backup" for name, count in rows.items() if name not in expected]
        measures = [Measure(name=f"rows of {name}", value=count) for name, count in list(rows.items())[:TABLES]]
        normal = f"In the verified backup {show_duration(surroundings.now() - newest.snapshot_at)} ago: "
        normal += f"{sum(expected.values()):,} rows in {show_count(len(expected), 'table')}."
        shrunk = {name: part for name, count in expected.items() if (part := _shrunk(count, rows.get(name)))}
        told = [name for name, part in shrunk.items() if part >= SHRUNK_TOLD]
        if told:
            gone = [name for name in told if name not in rows]
            restore = Suggestion(
                action="restore_database", label="Restore…", parameters={"database": surroundings.database}
            )
            state: FindingState = "critical" if max(shrunk.values()) >= SHRUNK_CRITICAL else "warning"
            words = "; ".join(_describe(name, expected[name], rows.get(name)) for name in _worst_first(told, shrunk))
            return self.finding(
                state, f"Rows are missing. {words}.", lines, [restore], normal=normal, measures=measures,
                signs=["table gone" if gone else "rows gone"],
            )  # fmt: skip
        return self._judge_growth(expected, rows, lines, normal, measures)

    def _judge_growth(
        self, expected: dict[str, int], rows: dict[str, int], lines: list[str], normal: str, measures: list[Measure]
    ) -> Finding:
        """A table that is twice as long was poured in again, or something writes without end."""
        grown = [name for name, count in expected.items() if count >= GROWN_ROWS and rows[name] >= GROWN * count]
        if not grown:
            words = f"Nothing has shrunk: {sum(rows.values()):,} rows in {show_count(len(rows), 'table')}."
            return self.finding("ok", words, lines, normal=normal, measures=measures)
        words = "; ".join(_describe(name, expected[name], rows[name]) for name in grown[:TOLD])
        return self.finding(
            "warning", f"More rows than expected: poured in twice, or written without end? {words}.", lines,
            normal=normal, measures=measures, signs=["rows doubled"],
        )  # fmt: skip


def _list_hidden(surroundings: Surroundings, timeout_s: float) -> set[str]:
    """Tables of which the bot's role sees only some rows."""
    with surroundings.connect(timeout_s) as connection:
        return {str(name) for (name,) in connection.execute(HIDDEN).fetchall()}


def _without(newest: Manifest, hidden: set[str]) -> Manifest:
    tables = {name: table for name, table in newest.fingerprint.tables.items() if name not in hidden}
    return newest.model_copy(update={"fingerprint": newest.fingerprint.model_copy(update={"tables": tables})})


def _worst_first(names: list[str], shrunk: dict[str, float]) -> list[str]:
    return sorted(names, key=lambda name: shrunk[name], reverse=True)[:TOLD]


def _shrunk(expected: int, found: int | None) -> float:
    if found is None:
        return 1.0
    return max(0.0, (expected - found) / expected) if expected else 0.0


def _describe(name: str, expected: int, found: int | None) -> str:
    if found is None:
        return f"{name}: {expected:,} in the backup, the table is gone"
    change = found - expected
    return f"{name}: {expected:,} in the backup, {found:,} now ({change:+,})"


CHECK = DatabaseRows()
