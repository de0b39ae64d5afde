"""The backups of a database as recovery sees them: where they are, how old, what restoring one would lose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.outcome import Failed, Refused
from bot.policy import Database
from bot.recovery.action import World
from bot.recovery.loss import find_newer
from bot.systems.archives import Bucket, open_bucket
from bot.systems.dumps.listing import Listing, list_backups
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.plain_files import SUFFIX as PLAIN_SUFFIX
from bot.systems.kept_databases import is_kept_name
from bot.systems.postgres import connect, replace_database
from bot.words import show_duration, show_size

READ_PERMISSIONS = ("s3:ListBucket", "s3:ListBucketVersions", "s3:GetObject", "s3:GetObjectVersion")
LISTED = 50


def settings_of(world: World, database: str) -> Database:
    """Raises `Refused` for a database that the policy does not know."""
    settings = world.policy.databases.get(database)
    if settings is None:
        known = ", ".join(world.policy.databases)
        raise Refused(f"{database[:60]!r} is not a database of the policy.", f"Known: {known}.")
    return settings


def recovery_url(environment: Mapping[str, str], database: str, settings: Database) -> str:
    """The URL of the role that may restore, to the database itself. Raises `Refused` naming the variable."""
    url = environment.get(settings.recovery_env) or environment.get(settings.connection_env)
    if not url:
        raise Refused(
            f"Neither {settings.recovery_env} nor {settings.connection_env} is set, so {database} cannot be reached.",
            "Set one in the environment of the bot and start it again.",
        )
    return replace_database(url, database)


def maintenance_url(environment: Mapping[str, str], database: str, settings: Database) -> str:
    """The same server, from where databases are made, renamed and dropped."""
    return replace_database(recovery_url(environment, database, settings), settings.maintenance_database)


def bucket_of(settings: Database) -> Bucket:
    """Where the database's archives are."""
    return open_bucket(settings.backups.bucket, settings.backups.region)


def find_backups(world: World, database: str) -> Listing:
    """The verified backups, the newest first, and what lies there besides. Raises `Failed` when S3 is away."""
    settings = settings_of(world, database)
    return list_backups(bucket_of(settings), settings.backups.prefix, database=database)


def find_backup(world: World, database: str, key: str) -> Manifest:
    """The backup with this key, or the final archive of what a restore has kept.

    Raises `Refused` where there is none.
    """
    settings = settings_of(world, database)
    for manifest in list_backups(bucket_of(settings), settings.backups.prefix).backups:
        source = manifest.source.database
        if manifest.key == key and (source == database or is_kept_name(database, source)):
            return manifest
    raise Refused(f"There is no verified backup {key} of {database}.", "Choose another one with `/dr restore`.")


def describe_backups(world: World, database: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(key, label) of each verified backup, and notes about what cannot be used."""
    listing = find_backups(world, database)
    lost = _count_losses(world, database, list(listing.backups[:LISTED]))
    now = world.now()
    labels = [
        (manifest.key, describe_backup(manifest, now, lost.get(manifest.key))) for manifest in listing.backups[:LISTED]
    ]
    return labels, _note_others(listing)


def _note_others(listing: Listing) -> list[str]:
    """What lies there and is no backup of ours; plain dumps have an action of their own."""
    unusable = [entry for entry in listing.unusable if not entry.key.endswith(PLAIN_SUFFIX)]
    notes = [f"{entry.key}: {entry.reason}" for entry in unusable[:3]]
    if len(unusable) > len(notes):
        notes.append(f"and {len(unusable) - len(notes)} more that cannot be used")
    if plain := len(listing.unusable) - len(unusable):
        notes.append(f"plain dumps (.sql.gz) there: {plain}; `/dr plan restore_plain_dump` restores one")
    return notes


def describe_backup(manifest: Manifest, now: datetime, lost_rows: int | None) -> str:
    """One line: age first, since that is what is lost."""
    age = show_duration(now - manifest.snapshot_at)
    rows = "" if lost_rows is None else f", ~{lost_rows:,} rows newer"
    return f"{age} old{rows} · {manifest.snapshot_at:%d %b %H:%M} UTC · {show_size(manifest.size_bytes)}"


def _count_losses(world: World, database: str, manifests: list[Manifest]) -> dict[str, int | None]:
    """Rows lost by restoring each; nothing where the database cannot be asked (it may be what is broken)."""
    settings = settings_of(world, database)
    try:
        url = recovery_url(world.environment, database, settings)
        with connect(url, purpose="loss", connect_timeout_s=3, statement_timeout_s=5) as connection:
            return {
                one.key: find_newer(connection, settings.loss_tables, one.snapshot_at).rows for one in manifests[:10]
            }
    except (Refused, Failed):
        return {}
