"""To which moments a server can be brought back: what the base backups and the archived log allow together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.systems.archives import Bucket
from bot.systems.outcomes import SystemRefused
from bot.systems.wal.archive import WalArchive, follow, list_wal
from bot.systems.wal.base_manifest import BaseManifest, list_base_backups
from bot.systems.wal.commits import find_latest
from bot.systems.wal.fetching import Wanted


class NotRecoverable(SystemRefused):
    """The moment cannot be reached. The message says from when to when it could be."""


@dataclass(frozen=True)
class Recoverable:
    """One base backup and the log behind it: every moment from `earliest` to `latest` (UTC) can be reached."""

    wanted: Wanted
    earliest: datetime
    latest: datetime
    missing: str | None

    @property
    def base(self) -> BaseManifest:
        """The base backup."""
        return self.wanted.base


@dataclass(frozen=True)
class PhysicalBackups:
    """Everything that a server could be brought back from."""

    bases: tuple[BaseManifest, ...]
    archive: WalArchive

    def choose(self, moment: datetime, bindir: Path, *, may_grow: bool) -> Recoverable:
        """The newest base backup that was complete before a moment (UTC), and the log from there on.

        `may_grow`: the server is alive and will archive what it has, so a moment after the newest archived
        transaction is no reason to refuse. Raises NotRecoverable.
        """
        earlier = [base for base in self.bases if base.ended_at < moment]
        if not earlier:
            raise NotRecoverable(self._describe_bounds(moment, bindir))
        found = self.describe(earlier[0], bindir)
        grows = may_grow and found.missing is None
        if moment > found.latest and not grows:
            why = f"The log behind the base backup of {earlier[0].ended_at:%d %b %H:%M:%S} UTC ends there"
            if found.missing is not None:
                why = f"The archive has a hole: {found.missing} is missing"
            raise NotRecoverable(
                f"{moment:%d %b %H:%M:%S} UTC cannot be reached. {why}; the latest moment before it is "
                f"{found.latest:%d %b %H:%M:%S.%f} UTC, the earliest {self.bases[-1].ended_at:%d %b %H:%M:%S} UTC. "
                "Nothing was changed."
            )
        target = moment if moment != found.latest else None  # all that there is, the last transaction included
        return Recoverable(Wanted(found.base, found.wanted.chain, target), found.earliest, found.latest, found.missing)

    def describe(self, base: BaseManifest, bindir: Path) -> Recoverable:
        """What one base backup can be brought to. Raises NotRecoverable where its own log is not there."""
        chain = follow(self.archive, base.first_segment)
        if not chain.segments or chain.segments[-1].number < base.last_segment.number:
            gone = chain.missing or base.last_segment.name
            raise NotRecoverable(
                f"The base backup of {base.ended_at:%d %b %H:%M:%S} UTC cannot be used: {gone} is not in "
                f"{self.archive.bucket.place(self.archive.prefix)}. Nothing was changed. Take a new base backup, and "
                "choose a moment after it."
            )
        latest = find_latest(self.archive, chain, base.system_identifier, bindir)
        return Recoverable(
            Wanted(base, chain, None), base.ended_at, max(filter(None, (latest, base.ended_at))), chain.missing
        )

    def _describe_bounds(self, moment: datetime, bindir: Path) -> str:
        if not self.bases:
            return (
                "There is no base backup, so no moment can be reached. Nothing was changed. "
                "Take one with `/dr plan base_backup`; it serves moments after it."
            )
        newest = self.describe(self.bases[0], bindir)
        return (
            f"{moment:%d %b %H:%M:%S} UTC is before the oldest base backup. Moments from "
            f"{self.bases[-1].ended_at:%d %b %H:%M:%S} to {newest.latest:%d %b %H:%M:%S} UTC can be reached. "
            "Nothing was changed."
        )


def find_physical_backups(
    base_bucket: Bucket, base_prefix: str, wal_bucket: Bucket, wal_prefix: str, system_identifier: int | None = None
) -> PhysicalBackups:
    """What is in S3; of one server only, where it is known which. Raises StorageUnavailable."""
    bases = list_base_backups(base_bucket, base_prefix).backups
    ours = tuple(base for base in bases if system_identifier in (None, base.system_identifier))
    return PhysicalBackups(ours, list_wal(wal_bucket, wal_prefix))
