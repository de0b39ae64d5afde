"""Rows per table against the last verified backup: what has shrunk or gone since?"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.outcome import Failed, Refused
from bot.store.documents import Finding, FindingState, Suggestion
from bot.systems.archives import open_bucket
from bot.systems.dumps.listing import list_backups
from bot.systems.dumps.manifest import Manifest
from bot.systems.fingerprints import count_rows
from bot.words import show_duration

SHRUNK_WARN, SHRUNK_CRITICAL = 0.05, 0.2


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
            newest = _find_newest(surroundings)
        except (Refused, Failed) as error:
            return self.finding("unknown", f"The backups cannot be read: {error.words}")
        if newest is None:
            return self.finding("warning", "There is no verified backup to compare with.", suggests=[back_up])
        rows = count_rows(surroundings.url(), statement_timeout_s=10)
        return self._judge(surroundings, newest, rows)

    def _judge(self, surroundings: Surroundings, newest: Manifest, rows: dict[str, int]) -> Finding:
        """Fewer rows than there were is what a bad script looks like; a missing table is always critical."""
        expected = {name: table.rows for name, table in newest.fingerprint.tables.items()}
        lines = [_describe(name, count, rows.get(name)) for name, count in expected.items()]
        worst = max((_shrunk(count, rows.get(name)) for name, count in expected.items()), default=0.0)
        age = show_duration(surroundings.now() - newest.snapshot_at)
        if worst < SHRUNK_WARN:
            return self.finding("ok", f"Nothing has shrunk since the backup {age} ago.", lines)
        gone = sum(count - rows.get(name, 0) for name, count in expected.items() if rows.get(name, 0) < count)
        restore = Suggestion(
            action="restore_database", label="Restore…", parameters={"database": surroundings.database}
        )
        state: FindingState = "critical" if worst >= SHRUNK_CRITICAL else "warning"
        return self.finding(state, f"{gone:,} rows fewer than in the backup {age} ago.", lines, [restore])


def _find_newest(surroundings: Surroundings) -> Manifest | None:
    place = surroundings.settings.backups
    bucket = open_bucket(place.bucket, place.region)
    backups = list_backups(bucket, place.prefix, database=surroundings.database).backups
    return backups[0] if backups else None


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
