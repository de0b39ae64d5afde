"""Taking a base backup: pg_basebackup over the replication protocol, straight into S3, read back, then the manifest.

Needs a role with REPLICATION and a pg_hba.conf that lets it in, an archive that works (PostgreSQL itself waits until
the last segment that the backup needs is in it), and no tablespaces but PostgreSQL's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.systems.archives import Bucket, Stored
from bot.systems.databases import observe_server
from bot.systems.dumps.streams import Squeezed, unpack
from bot.systems.dumps.watch import Progress, Watch, ignore_progress
from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import Connection, client_environment, connect
from bot.systems.processes import Child
from bot.systems.wal.base_manifest import MANIFEST_SUFFIX, BaseManifest
from bot.systems.wal.programs import find_server_programs
from bot.systems.wal.tarballs import Contents, check_tar

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import StorageClassType

OBSERVE = """
    SELECT (SELECT system_identifier FROM pg_control_system()),
           (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
           current_setting('archive_mode'),
           (SELECT rolname FROM pg_roles WHERE oid = 10),
           (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
           (SELECT array_agg(spcname::text) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global'))
"""


class BaseBackupRefused(SystemRefused):
    """The server or the role does not allow a base backup. The message says what to change."""


@dataclass(frozen=True)
class LogSource:
    """A server as its log sees it."""

    version: str
    major: int
    system_identifier: int
    segment_bytes: int
    superuser: str
    now: datetime


def observe_source(connection: Connection) -> LogSource:
    """Who the server is. Raises BaseBackupRefused where a base backup of it is not possible or would be of no use."""
    server = observe_server(connection)
    row = connection.execute(OBSERVE).fetchone()
    assert row is not None  # a SELECT without FROM has one row
    system_identifier, segment_bytes, archive_mode, superuser, may_replicate, tablespaces = row
    if archive_mode == "off":
        raise BaseBackupRefused(
            "The server does not archive its log (archive_mode is off), and without it a base backup cannot be used. "
            "Set archive_mode and archive_command, and restart the server: docs/point-in-time.md."
        )
    if tablespaces:
        raise BaseBackupRefused(f"The server has tablespaces of its own ({', '.join(tablespaces)}): not supported.")
    if not may_replicate:
        role = connection.info.user
        raise BaseBackupRefused(
            f"The role {role} may not take base backups. A superuser lets it: ALTER ROLE {role} REPLICATION."
        )
    return LogSource(server.version, server.major, system_identifier, segment_bytes, superuser, server.now)


def take_base_backup(
    url: str,
    bucket: Bucket,
    *,
    prefix: str,
    run: str,
    storage_class: StorageClassType = "STANDARD",
    progress: Progress = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> BaseManifest:
    """Copy the whole server into S3, verify the copy by reading it back, and store its manifest.

    `run` names the attempt: one that has its manifest already returns it and does nothing. Phases told: copy, verify.
    Raises SystemRefused, SystemFailed or SystemCancelled; then there is no manifest, and what was stored is no backup.
    """
    if (earlier := _find_own(bucket, prefix, run)) is not None:
        return earlier
    bucket.abort_uploads(prefix, containing=f"_{run}")
    watch = Watch(progress, cancelled)
    with connect(url, purpose="base backup") as connection:
        source = observe_source(connection)
        key = f"{prefix}{source.system_identifier}_{source.now:%Y%m%dT%H%M%SZ}_{run}"
        stored, squeezed = _copy(url, bucket, key, run, find_server_programs(source.major), storage_class, watch)
        ended_at = observe_server(connection).now
    contents = _verify(bucket, stored, squeezed.sha256, watch)
    manifest = BaseManifest(
        key=key,
        run=run,
        system_identifier=source.system_identifier,
        server_version=source.version,
        server_major=source.major,
        superuser=source.superuser,
        timeline=contents.timeline,
        segment_bytes=source.segment_bytes,
        begin=contents.begin,
        end=contents.end,
        started_at=source.now,
        ended_at=ended_at,
        verified_at=datetime.now(UTC),
        version_id=stored.version_id,
        size_bytes=stored.size_bytes,
        tar_bytes=squeezed.dump_bytes,
        files=contents.files,
        sha256=squeezed.sha256,
    )
    bucket.store(manifest.manifest_key, [manifest.model_dump_json(indent=1).encode()], metadata={"holdfast-run": run})
    return manifest


def _copy(
    url: str, bucket: Bucket, key: str, run: str, bindir: Path, storage_class: StorageClassType, watch: Watch
) -> tuple[Stored, Squeezed]:
    command: list[str | Path] = [
        bindir / "pg_basebackup", "--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast",
        "--no-password", "--manifest-checksums=SHA256", f"--label=holdfast {run}",
    ]  # fmt: skip
    environment = client_environment(url, purpose="base backup")
    with watch.phase("copy"), Child(command, environment=environment, stdout=True) as child:
        squeezed = Squeezed(child.stdout, lambda count: watch.count("copy", count))
        stored = bucket.store(
            f"{key}.tar.zst",
            _until_finished(squeezed, child, watch),
            metadata={"holdfast-run": run, "backup-type": "base"},
            storage_class=storage_class,
        )
    return stored, squeezed


def _until_finished(squeezed: Squeezed, child: Child, watch: Watch) -> Iterator[bytes]:
    """The stream, whose end counts only when pg_basebackup says that it was the end; else the upload is aborted."""
    yield from squeezed
    child.finish(check=watch.check)


def _verify(bucket: Bucket, stored: Stored, sha256: str, watch: Watch) -> Contents:
    place = bucket.place(stored.key)
    with watch.phase("verify"):
        told = bucket.read(stored)
        chunks = unpack(told, place=place, sha256=sha256, told=lambda count: watch.count("verify", count))
        return check_tar(chunks, place)


def _find_own(bucket: Bucket, prefix: str, run: str) -> BaseManifest | None:
    for stored in bucket.list_objects(prefix):
        if stored.key.endswith(f"_{run}{MANIFEST_SUFFIX}"):
            return BaseManifest.model_validate_json(bucket.read_all(stored))
    return None
