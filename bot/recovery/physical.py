"""The physical backups as recovery sees them: where they are, and what a moment can be brought back from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from bot.outcome import Refused
from bot.recovery.action import World
from bot.recovery.backups import maintenance_url, settings_of
from bot.settings import find_state_folder
from bot.systems.archives import Bucket, open_bucket
from bot.systems.postgres import connect
from bot.systems.wal.base_manifest import BaseManifest, confirm_base_backup
from bot.systems.wal.closing import LiveLog, observe_log
from bot.systems.wal.programs import find_server_programs
from bot.systems.wal.recoverable import PhysicalBackups, Recoverable, find_physical_backups
from bot.systems.wal.side_cluster import SideCluster

FOLDER_VARIABLE = "HOLDFAST_RESTORE_FOLDER"
MARK = re.compile(r"[A-Za-z0-9-]+")


def base_bucket(world: World) -> Bucket:
    """Where base backups are."""
    place = world.policy.backups.base.location
    return open_bucket(place.bucket, place.region)


def wal_bucket(world: World) -> Bucket:
    """Where the archived log is."""
    wal = world.policy.backups.wal
    return open_bucket(wal.location.bucket, wal.region)


def observe_live_log(world: World, database: str) -> LiveLog:
    """The log of the server that the database is on. Raises `Failed` when it cannot be reached."""
    settings = settings_of(world, database)
    with connect(maintenance_url(world.environment, database, settings), purpose="observe log") as connection:
        return observe_log(connection)


def find_backups_of(world: World, log: LiveLog) -> PhysicalBackups:
    """The base backups of this server and its archive. Raises `Failed` when S3 is away."""
    bases, wal = world.policy.backups.base.location, world.policy.backups.wal.location
    return find_physical_backups(base_bucket(world), bases.prefix, wal_bucket(world), wal.prefix, log.system_identifier)


def choose_recoverable(world: World, log: LiveLog, moment: datetime, *, may_grow: bool) -> Recoverable:
    """What to bring a moment (UTC) back from. Raises `Refused` with the bounds of what can be reached."""
    if moment > world.now():
        raise Refused(f"{moment:%d %b %H:%M:%S} UTC is in the future.", "Choose a moment that has passed.")
    backups = find_backups_of(world, log)
    major = next((base.server_major for base in backups.bases), None)
    bindir = find_server_programs(major) if major else Path()
    found = backups.choose(moment, bindir, may_grow=may_grow)
    confirm_base_backup(base_bucket(world), found.base)
    return found


def side_cluster_of(environment: Mapping[str, str], mark: str, base: BaseManifest) -> SideCluster:
    """The restored server of one run: in a folder of the run's own under HOLDFAST_RESTORE_FOLDER.

    By default that is `restore` in the bot's state folder.
    """
    assert MARK.fullmatch(mark), mark  # it becomes a folder that is deleted
    return SideCluster(
        folder=restore_folder(environment) / mark,
        bindir=find_server_programs(base.server_major),
        superuser=base.superuser,
    )


def restore_folder(environment: Mapping[str, str]) -> Path:
    """Where restored servers are put."""
    given = environment.get(FOLDER_VARIABLE)
    return Path(given) if given else find_state_folder(environment) / "restore"
