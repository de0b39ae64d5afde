"""What may be deleted of a database's backups now, and why perhaps nothing may."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bot.outcome import Failed, Refused
from bot.policy import Database
from bot.recovery.action import Facts, World
from bot.recovery.backups import bucket_of, settings_of
from bot.systems.backup_retention import (
    Disposable,
    Rules,
    choose_disposable,
    choose_local,
    find_drop,
    is_part,
    sort_verified,
)
from bot.systems.bucket_contents import BucketContents, UnfinishedUpload, open_contents
from bot.systems.dumps.listing import confirm_backup, list_backups
from bot.systems.dumps.manifest import Manifest
from bot.systems.local_dumps import LocalDump, list_local_dumps
from bot.words import show_duration

NEXT = "Nothing was deleted. Take a new backup, and look at what has changed."


class Pruning(BaseModel):
    """What is to go, and the newest verified backups (keys), which stay in any case."""

    model_config = ConfigDict(frozen=True)
    kept: tuple[str, ...]
    disposable: tuple[Disposable, ...]
    uploads: tuple[UnfinishedUpload, ...]
    local: tuple[LocalDump, ...]
    local_folder: Path

    @property
    def size_bytes(self) -> int:
        """What deleting all of it frees."""
        return sum(one.size_bytes for one in self.disposable) + sum(dump.size_bytes for dump in self.local)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to go."""
        return not (self.disposable or self.uploads or self.local)


def read_pruning(observed: Facts) -> Pruning:
    """As the plan saw it."""
    return Pruning.model_validate(observed)


def contents_of(settings: Database) -> BucketContents:
    """The bucket of the database's archives, down to its versions."""
    return open_contents(settings.backups.bucket, settings.backups.region)


def find_pruning(world: World, database: str) -> Pruning:
    """Look at the bucket and the folder; changes nothing. Raises `Refused` where nothing may be deleted."""
    settings, schedule, now = settings_of(world, database), world.policy.backups, world.now()
    manifests = list_backups(bucket_of(settings), settings.backups.prefix).backups
    verified = sort_verified(manifests, database)
    _refuse_suspicious(world, settings, database, verified)
    contents, prefix = contents_of(settings), settings.backups.prefix
    limits, weekly = schedule.pruning, schedule.manual_weekly
    rules = Rules(weekly.s3_retention, limits.keep_at_least, limits.unfinished_after)
    begun_before = now - limits.unfinished_after
    local = list_local_dumps(Path(weekly.local_folder), database) or []
    return Pruning(
        kept=tuple(manifest.key for manifest in verified[: limits.keep_at_least]),
        disposable=tuple(choose_disposable(database, prefix, manifests, contents.list_versions(prefix), rules, now)),
        uploads=tuple(
            upload
            for upload in contents.list_uploads(prefix)
            if upload.begun_at < begun_before and is_part(upload.key, prefix, database)
        ),
        local=tuple(choose_local(local, weekly.local_retention, verified[0].snapshot_at, now)),
        local_folder=Path(weekly.local_folder),
    )


def _refuse_suspicious(world: World, settings: Database, database: str, verified: list[Manifest]) -> None:
    """Old backups are all that there is while anything is wrong with the newest."""
    limits = world.policy.backups.pruning
    if not verified:
        raise Refused(f"There is no verified backup of {database}.", NEXT)
    age = world.now() - verified[0].snapshot_at
    if age > limits.newest_at_most:
        limit = show_duration(limits.newest_at_most)
        raise Refused(f"The newest verified backup of {database} is {show_duration(age)} old, more than {limit}.", NEXT)
    if (drop := find_drop(verified, limits.size_drop_percent)) is not None:
        raise Refused(f"Alarm: {drop}.", NEXT)
    try:
        for manifest in verified[: limits.keep_at_least]:
            confirm_backup(bucket_of(settings), manifest)
    except Failed as damage:
        raise Refused(f"A backup that has to stay is not whole: {damage.reason}", NEXT) from damage
