"""Restoring a backup into an existing, empty database, after everything was looked at that could make it fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from bot.systems.archives import Bucket
from bot.systems.client_tools import ClientTools, find_client_tools
from bot.systems.connection_limits import choose_jobs
from bot.systems.databases import (
    is_empty,
    list_available_extensions,
    list_roles,
    measure_free_space,
    observe_server,
)
from bot.systems.dumps.foreign_keys import ForeignKey
from bot.systems.dumps.listing import confirm_backup
from bot.systems.dumps.loading import Loader
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.watch import Progress, Watch, ignore_progress
from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import (
    Connection,
    DatabaseMissing,
    DatabaseUnreachable,
    connect,
    database_of,
)
from bot.systems.restore_rights import list_lacking_rights

# A restored database with its indexes has been seen to take up to twice its dump; half as much again is for WAL.
SPACE_PER_DUMP_BYTE = 2.5


class TargetNotEmpty(SystemRefused):
    """The database that was to be restored into holds something already."""


class TargetUnfit(SystemRefused):
    """The server lacks something that the backup needs. The message names it."""


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did: durations in seconds per phase, and the foreign keys that are still to be checked."""

    durations_s: dict[str, float]
    unchecked: tuple[ForeignKey, ...] = ()


def check_target(url: str, bucket: Bucket, manifest: Manifest) -> ClientTools:
    """Everything that would make a restore fail later, seen before anything is written.

    The backup is there in the version that was verified; the target is empty; its server is not older than the
    source, knows the roles and extensions that are needed, and has the space, where that can be known.
    Raises ArchiveVanished, ArchiveDamaged, TargetNotEmpty, TargetUnfit, ClientToolsUnfit, DatabaseMissing.
    """
    confirm_backup(bucket, manifest)
    with connect(url, purpose="check target") as connection:
        if not is_empty(connection):
            raise TargetNotEmpty(
                f'"{database_of(url)}" is not empty, and a restore would mix with what is there. Nothing was changed. '
                "Restore into a new database."
            )
        return check_server(connection, manifest)


def check_server(connection: Connection, manifest: Manifest) -> ClientTools:
    """Whether the server can take the backup, and the client tools for it. Raises TargetUnfit, ClientToolsUnfit."""
    server = observe_server(connection)
    reasons = [*_find_missing(connection, manifest), *_find_lack_of_space(connection, manifest)]
    if server.major < manifest.source.server_major:
        reasons.append(f"its server is PostgreSQL {server.major}, the backup's was {manifest.source.server_major}")
    if reasons:
        raise TargetUnfit(f"The server cannot take this backup: {'; '.join(reasons)}. Nothing was changed.")
    return find_client_tools(server.major, dump_major=manifest.source.pg_dump_major)


def restore_archive(
    url: str,
    bucket: Bucket,
    manifest: Manifest,
    *,
    jobs: int | None = None,
    check_keys: bool = True,
    progress: Progress = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> RestoreReport:
    """Restore a backup into the existing, empty database that `url` leads to, and nowhere else.

    Owners and grants are set as they were. The first error stops everything. Statistics are gathered at the end.
    Phases told: pre-data, data, post-data, analyze.
    `jobs` are parts or indexes at a time, by default one per core, and fewer where the role may not open as many
    connections. After a failure the target is half filled: drop it.
    Without `check_keys`, foreign keys hold for new rows alone, and whoever compares the rows owes them `check_keys` of
    `foreign_keys` afterwards.
    Raises what check_target raises, ConnectionsLacking, ArchiveDamaged, ProcessFailed, StorageUnavailable or
    SystemCancelled.
    """
    tools = check_target(url, bucket, manifest)
    watch = Watch(progress, cancelled)
    loader = Loader(url, bucket, manifest, tools, watch)
    with connect(url, purpose="check target") as connection:
        wanted = jobs or os.cpu_count() or 2
        workers = choose_jobs(connection, wanted, loader.count_connections, "A restore")
    try:
        unchecked = loader.load(workers, check_keys=check_keys)
    except BaseException:
        # A program that was killed leaves its session behind, which may go on for a while: it is ended first. A server
        # that cannot be reached any more has nothing to say about why this failed.
        with suppress(DatabaseUnreachable, DatabaseMissing):
            loader.end_sessions()
        raise
    return RestoreReport(watch.durations_s, unchecked)


def _find_missing(connection: Connection, manifest: Manifest) -> Iterator[str]:
    roles = sorted(set(manifest.source.roles) - list_roles(connection))
    if roles:
        yield f"roles are missing on its server: {', '.join(roles)}"
    extensions = sorted(manifest.source.extensions.keys() - list_available_extensions(connection))
    if extensions:
        yield f"extensions are not installed on its server: {', '.join(extensions)}"
    yield from list_lacking_rights(connection, manifest.source.owners, manifest.source.extensions)


def _find_lack_of_space(connection: Connection, manifest: Manifest) -> Iterator[str]:
    needed_bytes = max(manifest.source.size_bytes or 0, round(manifest.dump_bytes * SPACE_PER_DUMP_BYTE))
    space = measure_free_space(connection)
    if space.free_bytes is not None and space.free_bytes < needed_bytes:
        yield f"about {needed_bytes:,} bytes are needed and {space.free_bytes:,} are free on its server"
