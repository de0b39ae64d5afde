"""Is the log archived, how old is what was archived last, and on which base backup could it be replayed?

(Document: Continuous Backup and its RPO, which rests on the log alone.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.diagnostics.check import Check, Surroundings
from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.store.documents import Finding, FindingState, Suggestion
from bot.systems.archives import open_bucket
from bot.systems.postgres import Connection
from bot.systems.wal.archive import follow, list_wal
from bot.systems.wal.base_manifest import list_base_backups
from bot.words import show_duration

OBSERVE = """
    SELECT last_archived_time, last_failed_wal,
           last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, last_failed_time),
           clock_timestamp(),
           (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
           (SELECT system_identifier FROM pg_control_system()),
           EXISTS (SELECT FROM pg_roles WHERE rolname = 'rdsadmin'), last_archived_wal
    FROM pg_stat_archiver
"""
SEGMENT = re.compile("[0-9A-F]{24}")
LATE = 2
"""So many times the agreed pause between two segments is late: a quiet server archives nothing for one of them."""


@dataclass(frozen=True)
class Archiver:
    """What the server says of its archiving (times UTC)."""

    archived_at: datetime | None
    failed_on: str | None
    failing: bool
    now: datetime
    segment_bytes: int
    system_identifier: int
    is_rds: bool
    archived_name: str | None = None


class DatabaseLogArchive(Check):
    name = "database_log_archive"
    title = "Archive of the log"
    scope = "database"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 20.0

    def run(self, surroundings: Surroundings) -> Finding:
        wal = surroundings.policy.backups.wal
        with surroundings.connect(self.timeout_s) as connection:
            wrong = _find_wrong_settings(connection, wal.expected_settings)
            row = connection.execute(OBSERVE).fetchone()
        assert row is not None  # the view has one row
        archiver = Archiver(*row)
        if wrong:
            words = f"What was committed since the last backup can be lost: {'; '.join(wrong)}."
            return self.finding("critical", words, signs=["log not archived"])
        if archiver.failing:
            words = f"The server cannot archive {archiver.failed_on}; see its log for what archive_command says."
            return self.finding("critical", words, signs=["log not archived"], normal="Each segment is archived.")
        state, words = _judge_age(archiver, wal.archive_timeout)
        if archiver.is_rds:
            return self.finding(state, f"{words} RDS keeps the log itself.")
        return self._add_bases(surroundings, archiver, state, words)

    def _add_bases(self, surroundings: Surroundings, archiver: Archiver, state: FindingState, words: str) -> Finding:
        take = Suggestion(
            action="base_backup", label="Take a base backup", parameters={"database": surroundings.database}
        )
        try:
            age, missing, lost_name = _look_at_bases(surroundings.policy, archiver)
        except (Refused, Failed) as error:
            return self.finding("unknown", f"{words} The archive cannot be read: {error.words}")
        if lost_name:
            lost = f"The server says that {lost_name} is archived, but it is not there: see what archive_command does."
            return self.finding("critical", f"{words} {lost}", suggests=[take], signs=["log not archived"])
        if age is None:
            words = f"{words} There is no base backup to replay it on."
            return self.finding("critical", words, suggests=[take], signs=["log not archived"])
        if missing:
            lost = f"{missing} is missing in it, so what came after that is lost until the next base backup."
            return self.finding("critical", f"{words} {lost}", suggests=[take], signs=["log not archived"])
        told = f"{words} The newest base backup is {show_duration(age)} old."
        if age > surroundings.policy.backups.base.every:
            return self.finding("warning", told, suggests=[take], signs=["log not archived"])
        return self.finding(state, told, signs=["log not archived"] if state != "ok" else [])


def _find_wrong_settings(connection: Connection, expected: dict[str, list[str]]) -> list[str]:
    rows = connection.execute(
        "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(expected),)
    ).fetchall()
    found: dict[str, str] = dict(rows)
    return [
        f"{name} is {found.get(name, 'unknown')}, should be {' or '.join(right)}"
        for name, right in expected.items()
        if found.get(name) not in right
    ]


def _judge_age(archiver: Archiver, pause: timedelta) -> tuple[FindingState, str]:
    if archiver.archived_at is None:
        return "warning", "Nothing has been archived yet."
    age = archiver.now - archiver.archived_at
    words = f"Archived last {show_duration(age)} ago."
    return ("warning" if age > LATE * pause else "ok"), words


def _look_at_bases(policy: Policy, archiver: Archiver) -> tuple[timedelta | None, str | None, str | None]:
    """Age of the newest base backup of this server, the first segment missing after it, and what never came there."""
    place, wal = policy.backups.base.location, policy.backups.wal
    listed = list_base_backups(open_bucket(place.bucket, place.region), place.prefix).backups
    ours = [base for base in listed if base.system_identifier == archiver.system_identifier]
    if not ours:
        return None, None, None
    archive = list_wal(open_bucket(wal.location.bucket, wal.region), wal.location.prefix)
    chain = follow(archive, ours[0].first_segment)
    said = archiver.archived_name or ""
    never_came = SEGMENT.fullmatch(said) is not None and said not in archive.objects
    return archiver.now - ours[0].ended_at, chain.missing, said if never_came else None


CHECK = DatabaseLogArchive()
