"""Restoring a backup into an empty database: streamed from S3, several parts side by side, nothing kept on disk.

Only the schema, some kilobytes to a few megabytes, goes through a temporary file, because it is read twice.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.systems.archives import Bucket, Stored
from bot.systems.client_tools import ClientTools, find_client_tools
from bot.systems.databases import (
    is_empty,
    list_available_extensions,
    list_roles,
    measure_free_space,
    observe_database,
    observe_server,
)
from bot.systems.dumps.backup import feed
from bot.systems.dumps.listing import confirm_backup
from bot.systems.dumps.manifest import SCHEMA_PART, Manifest, Part
from bot.systems.dumps.streams import unpack
from bot.systems.dumps.watch import Progress, Watch, ignore_progress
from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import (
    Connection,
    DatabaseMissing,
    DatabaseUnreachable,
    client_environment,
    connect,
    database_of,
)
from bot.systems.processes import Child
from bot.systems.sessions import SessionGone, list_sessions, terminate_session

# A restored database with its indexes has been seen to take up to twice its dump; half as much again is for WAL.
SPACE_PER_DUMP_BYTE = 2.5

LIST_TABLES_BY_SIZE = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY pg_table_size(c.oid) DESC
"""


class TargetNotEmpty(SystemRefused):
    """The database that was to be restored into holds something already."""


class TargetUnfit(SystemRefused):
    """The server lacks something that the backup needs. The message names it."""


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did: durations in seconds per phase."""

    durations_s: dict[str, float]


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
    progress: Progress = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> RestoreReport:
    """Restore a backup into the existing, empty database that `url` leads to, and nowhere else.

    Owners and grants are set as they were. The first error stops everything. Statistics are gathered at the end.
    Phases told: pre-data, data, post-data, analyze.
    `jobs` are parts or indexes at a time, by default one per core. After a failure the target is half filled: drop it.
    Raises what check_target raises, ArchiveDamaged, ProcessFailed, StorageUnavailable or SystemCancelled.
    """
    tools = check_target(url, bucket, manifest)
    watch = Watch(progress, cancelled)
    workers = jobs or os.cpu_count() or 2
    loader = _Loader(url, bucket, manifest, tools, watch)
    try:
        loader.load(workers)
    except BaseException:
        # A program that was killed leaves its session behind, which may go on for a while: it is ended first. A server
        # that cannot be reached any more has nothing to say about why this failed.
        with suppress(DatabaseUnreachable, DatabaseMissing):
            loader.end_sessions()
        raise
    return RestoreReport(watch.durations_s)


@dataclass(frozen=True)
class _Loader:
    """Everything that the steps of one restore have in common."""

    url: str
    bucket: Bucket
    manifest: Manifest
    tools: ClientTools
    watch: Watch

    def load(self, workers: int) -> None:
        """Everything, in order."""
        with self.fetch_schema() as schema:
            with self.watch.phase("pre-data"):
                self.run_section(schema, "pre-data", jobs=1)
            with self.watch.phase("data"):
                self.load_data(workers)
            with self.watch.phase("post-data"):
                self.run_section(schema, "post-data", jobs=workers)
        with self.watch.phase("analyze"):
            self.analyze(workers)

    def end_sessions(self) -> None:
        """End what still works in the target, which is ours alone, and see it gone."""
        with connect(self.url, purpose="restore stopped") as connection:
            oid = observe_database(connection, database_of(self.url)).oid
            for session in list_sessions(connection, oid):
                with suppress(SessionGone):
                    terminate_session(connection, session.pid, session.started_at)

    @contextmanager
    def fetch_schema(self) -> Iterator[Path]:
        """The schema's archive, checked, in a temporary file."""
        with tempfile.TemporaryDirectory(prefix="holdfast-") as directory:
            path = Path(directory, "schema.dump")
            with path.open("wb") as file:
                for chunk in self._unpack(self.manifest.find_part(SCHEMA_PART), "pre-data"):
                    file.write(chunk)
            yield path

    def run_section(self, schema: Path, section: str, *, jobs: int) -> None:
        """What stands before or after the data."""
        command = [*self._command(), f"--section={section}", f"--jobs={jobs}", schema]
        with Child(command, environment=self._environment(section)) as child:
            child.finish(check=self.watch.check)

    def load_data(self, workers: int) -> None:
        """Every part of data, `workers` at a time, the largest first."""
        parts = [part for part in self.manifest.parts if part.name != SCHEMA_PART]
        parts.sort(key=lambda part: part.dump_bytes, reverse=True)
        with ThreadPoolExecutor(workers, thread_name_prefix="restore") as pool:
            wait([pool.submit(self.watch.guard, partial(self._load_part, part)) for part in parts])
        self.watch.raise_first()

    def analyze(self, workers: int) -> None:
        """Give the planner its statistics, which no dump carries: the first minutes after a swap depend on them."""
        with connect(self.url, purpose="analyze") as connection:
            tables = deque(connection.execute(LIST_TABLES_BY_SIZE).fetchall())
        with ThreadPoolExecutor(workers, thread_name_prefix="analyze") as pool:
            wait([pool.submit(self.watch.guard, partial(self._analyze_some, tables)) for _ in range(workers)])
        self.watch.raise_first()

    def _analyze_some(self, tables: deque[tuple[str, str]]) -> None:
        with connect(self.url, purpose="analyze") as connection:
            while True:
                self.watch.check()
                try:
                    schema, table = tables.popleft()
                except IndexError:
                    return
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))

    def _load_part(self, part: Part) -> None:
        with Child([*self._command(), "--section=data"], environment=self._environment(part.name), stdin=True) as child:
            feed(child, self._unpack(part, "data"))
            child.finish(check=self.watch.check)

    def _unpack(self, part: Part, phase: str) -> Iterator[bytes]:
        total = sum(part.size_bytes for part in self.manifest.parts if part.name != SCHEMA_PART)
        return unpack(
            self.bucket.read(Stored(part.key, part.version_id, part.size_bytes)),
            place=self.bucket.place(part.key),
            sha256=part.sha256,
            told=lambda count: self.watch.count(phase, count, total if phase == "data" else part.size_bytes),
        )

    def _command(self) -> list[str | Path]:
        # The name is given as a connection string, so that no name can be taken for one.
        target = make_conninfo(dbname=database_of(self.url))
        return [self.tools.pg_restore, "--exit-on-error", "--no-password", f"--dbname={target}"]

    def _environment(self, purpose: str) -> dict[str, str]:
        environment = client_environment(self.url, purpose=f"restore {purpose}")
        # An index that is being built for nobody stops a second after its client died.
        interval = "-c client_connection_check_interval=1000"
        return environment | {"PGOPTIONS": f"{environment.get('PGOPTIONS', '')} {interval}".strip()}


def _find_missing(connection: Connection, manifest: Manifest) -> Iterator[str]:
    roles = sorted(set(manifest.source.roles) - list_roles(connection))
    if roles:
        yield f"roles are missing on its server: {', '.join(roles)}"
    extensions = sorted(manifest.source.extensions.keys() - list_available_extensions(connection))
    if extensions:
        yield f"extensions are not installed on its server: {', '.join(extensions)}"


def _find_lack_of_space(connection: Connection, manifest: Manifest) -> Iterator[str]:
    needed_bytes = max(manifest.source.size_bytes or 0, round(manifest.dump_bytes * SPACE_PER_DUMP_BYTE))
    space = measure_free_space(connection)
    if space.free_bytes is not None and space.free_bytes < needed_bytes:
        yield f"about {needed_bytes:,} bytes are needed and {space.free_bytes:,} are free on its server"
