"""Taking a backup: one snapshot, several dumps side by side, straight into S3, read back, then the manifest.

Needs the right to read everything (pg_read_all_data), as pg_dump does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from bot.outcome import Failed, Refused
from bot.systems.archives import Bucket
from bot.systems.client_tools import ClientTools, find_client_tools
from bot.systems.connection_limits import choose_jobs
from bot.systems.database_traits import observe_traits
from bot.systems.databases import list_extensions, observe_database, observe_server
from bot.systems.dumps.manifest import MANIFEST_SUFFIX, Looks, Manifest, Part, Source
from bot.systems.dumps.parting import DATA_PARTS, PartPlan, lock_large_tables, plan_parts
from bot.systems.dumps.rows import write_command
from bot.systems.dumps.streams import Squeezed
from bot.systems.dumps.verification import verify_part, verify_rows
from bot.systems.dumps.watch import Progress, Watch, ignore_progress
from bot.systems.fingerprints import Fingerprint, read_sequences, take_fingerprint
from bot.systems.outcomes import SystemFailed, SystemRefused
from bot.systems.outlines import read_outline
from bot.systems.postgres import LIFT_TIME_LIMITS, Connection, client_environment, connect, database_of
from bot.systems.processes import Child
from bot.systems.restore_rights import list_owners, list_subscriptions
from bot.systems.row_profiles import read_profile
from bot.systems.row_values import explain
from bot.systems.table_hashes import export_snapshot

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import StorageClassType

log = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 30
LOOK_S = 20.0
SUFFIXES = {"custom": "dump.zst", "plain": "sql.zst", "binary": "rows.zst"}

# Everybody who owns or may do something in the database, and the owners that PostgreSQL does not list as dependencies.
LIST_ROLES = """
    SELECT DISTINCT pg_get_userbyid(refobjid) FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass AND (dbid = %(oid)s OR (dbid = 0 AND objid = %(oid)s))
    UNION SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid >= 16384
    UNION SELECT pg_get_userbyid(datdba) FROM pg_database WHERE oid = %(oid)s
    UNION SELECT pg_get_userbyid(setrole) FROM pg_db_role_setting WHERE setdatabase = %(oid)s AND setrole <> 0
    ORDER BY 1
"""


LIST_HIDDEN = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relrowsecurity AND row_security_active(c.oid) ORDER BY 1
"""


class RowsHidden(SystemRefused):
    """The role does not see all rows, and a backup must have them."""


class BackupFailed(SystemFailed):
    """The database could not be read to the end. There is no backup."""


def back_up(
    url: str,
    bucket: Bucket,
    *,
    prefix: str,
    run: str,
    metadata: Mapping[str, str] | None = None,
    storage_class: StorageClassType = "STANDARD",
    jobs: int | None = None,
    portable: bool = False,
    progress: Progress = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> Manifest:
    """Back a database up under `prefix`, verify it by reading it back, and return its manifest, which is stored too.

    `run` names the attempt; the backup's key is `<prefix><database>_<snapshot, UTC>_<run>`. A run that has its manifest
    already returns it and does nothing. `portable` makes the checksums comparable across major versions. `jobs` are
    dumps at a time, by default one per core, at most 4, and fewer where the role may not open as many connections.
    Phases told: snapshot, dump, verify, manifest.
    Raises SystemRefused, SystemFailed or SystemCancelled; then there is no manifest, and what was stored is no backup.
    """
    key_prefix = f"{prefix}{quote(database_of(url), safe='')}_"
    if (earlier := _find_own(bucket, key_prefix, run)) is not None:
        return earlier
    bucket.abort_uploads(key_prefix, containing=f"_{run}/")
    watch = Watch(progress, cancelled)
    marks = {**(metadata or {}), "holdfast-run": run}
    with _reading(url, run) as (connection, snapshot, moment):
        key = f"{key_prefix}{moment:%Y%m%dT%H%M%SZ}_{run}"
        tools = find_client_tools(observe_server(connection).major)
        source = _describe_source(connection, url, tools)
        dumper = _Dumper(url, bucket, key, tools, snapshot, source.encoding, marks, storage_class, watch)
        plans, wanted = plan_parts(connection), jobs or min(os.cpu_count() or 2, DATA_PARTS)
        workers = choose_jobs(connection, wanted, _count_connections, "A backup")
        with ThreadPoolExecutor(1, thread_name_prefix="look") as beside:
            looking = beside.submit(_look, url)
            if workers == 1:  # there may be no connection for it to have beside the others
                wait([looking])
            parts, fingerprint = _dump_parts(dumper, plans, workers, portable=portable)
    manifest = Manifest(
        key=key,
        run=run,
        snapshot_at=moment,
        verified_at=datetime.now(UTC),
        source=source,
        parts=parts,
        fingerprint=fingerprint,
        looks=looking.result(),
        durations_s=watch.durations_s,
    )
    bucket.store(manifest.manifest_key, [manifest.model_dump_json(indent=1).encode()], metadata=marks)
    return manifest


def _count_connections(workers: int) -> int:
    """One each for the dumps, two or more for the content: one that holds it together, and those that read.

    One more for the look, or for one that the server has not seen end when the next comes.
    """
    return workers + 1 + _count_readers(workers) + 1


def _count_readers(workers: int) -> int:
    """One connection reads about as fast as two dumps."""
    return max(1, workers // 2)


@dataclass(frozen=True)
class _Dumper:
    """Everything that the parts of one backup have in common."""

    url: str
    bucket: Bucket
    key: str
    tools: ClientTools
    snapshot: str
    encoding: str
    metadata: Mapping[str, str]
    storage_class: StorageClassType
    watch: Watch

    def dump_part(self, plan: PartPlan) -> Part:
        """Dump one part into S3, read it back, and describe it."""
        environment = client_environment(self.url, purpose=f"dump {plan.name}")
        with Child(self._command(plan), environment=environment, stdout=True) as child:
            squeezed = Squeezed(child.stdout, lambda count: self.watch.count("dump", count))
            stored = self.bucket.store(
                f"{self.key}/{plan.name}.{SUFFIXES[plan.format]}",
                _until_finished(squeezed, child),
                metadata=self.metadata,
                storage_class=self.storage_class,
            )
        part = Part(
            name=plan.name,
            format=plan.format,
            key=stored.key,
            version_id=stored.version_id,
            size_bytes=stored.size_bytes,
            dump_bytes=squeezed.dump_bytes,
            sha256=squeezed.sha256,
            rows=_read_count(child) if plan.rows else None,
            table=plan.rows,
        )
        return verify_part(self.bucket, part, self.tools, self.watch)

    def _command(self, plan: PartPlan) -> list[str | Path]:
        if plan.rows:
            return write_command(
                self.tools, plan.rows, plan.pages, snapshot=self.snapshot, lock_timeout_s=LOCK_TIMEOUT_S
            )
        return [
            self.tools.pg_dump, f"--format={plan.format}", "--compress=0", f"--snapshot={self.snapshot}",
            # The database's own, whatever the role prefers: nothing is converted, and names of tables are recognised.
            f"--encoding={self.encoding}", f"--lock-wait-timeout={LOCK_TIMEOUT_S * 1000}", *plan.options,
        ]  # fmt: skip

    def fingerprint(self, connections: int, *, portable: bool) -> Fingerprint:
        """The content in the same snapshot."""
        with self.watch.phase("fingerprint"):
            return take_fingerprint(
                self.url, snapshot=self.snapshot, portable=portable, connections=connections, check=self.watch.check
            )


def _until_finished(squeezed: Squeezed, child: Child) -> Iterator[bytes]:
    """The stream, whose end counts only when its writer says that it was the end; else the upload is aborted."""
    yield from squeezed
    child.finish()


def _read_count(child: Child) -> int:
    """The rows that psql wrote, as it says at its end."""
    last = child.said.rpartition("\n")[2]
    if not last.isdecimal():
        raise BackupFailed(f"{child.name} did not say how many rows it wrote, but {last!r}. There is no backup.")
    return int(last)


def _dump_parts(
    dumper: _Dumper, plans: list[PartPlan], workers: int, *, portable: bool
) -> tuple[tuple[Part, ...], Fingerprint]:
    """Dump, verify and fingerprint side by side. The first failure stops the others and is the one that is raised."""
    # A pool for the dumps alone: one more at a time, once the content is read, would be one more in memory.
    with (
        dumper.watch.phase("dump"),
        ThreadPoolExecutor(1, thread_name_prefix="content") as beside,
        ThreadPoolExecutor(workers, thread_name_prefix="backup") as pool,
    ):
        before = read_sequences(dumper.url)
        readers = _count_readers(workers)
        content = beside.submit(dumper.watch.guard, lambda: dumper.fingerprint(readers, portable=portable))
        dumped = [pool.submit(dumper.watch.guard, partial(dumper.dump_part, plan)) for plan in plans]
        wait([content])
        wait(dumped)
        dumper.watch.raise_first()
        after = read_sequences(dumper.url)
    sequences = {
        name: state.model_copy(update={"last_value_after": after.get(name, state).last_value})
        for name, state in before.items()
    }
    fingerprint, parts = content.result(), tuple(part.result() for part in dumped)
    dumped_rows: dict[tuple[str, ...], list[Part]] = {}
    for plan, part in zip(plans, parts, strict=True):
        if plan.tables:
            dumped_rows.setdefault(plan.tables, []).append(part)
    for tables, of_them in dumped_rows.items():
        verify_rows(dumper.bucket, of_them, tables, fingerprint)
    return parts, fingerprint.model_copy(update={"sequences": sequences})


@contextmanager
def _reading(url: str, run: str) -> Iterator[tuple[Connection, str, datetime]]:
    """A connection, a snapshot that others may use until the end, and when it was taken by the server's clock (UTC)."""
    try:
        with connect(url, purpose=f"backup {run}", lock_timeout_s=LOCK_TIMEOUT_S) as connection:
            connection.execute(LIFT_TIME_LIMITS)
            _refuse_hidden(connection)
            lock_large_tables(connection)
            row = connection.execute("SELECT statement_timestamp()").fetchone()
            assert row is not None  # a SELECT without FROM has one row
            yield connection, export_snapshot(connection), row[0].astimezone(UTC)
    except psycopg.Error as error:
        raise BackupFailed(f"The database could not be read: {explain(error)}. There is no backup.") from error


def _refuse_hidden(connection: Connection) -> None:
    hidden = [str(name) for (name,) in connection.execute(LIST_HIDDEN).fetchall()]
    if hidden:
        raise RowsHidden(
            f"Row-level security hides rows of {', '.join(hidden)} from {connection.info.user}, and a backup must have "
            "all of them. Nothing was begun.",
            f"Have an administrator let it see them: ALTER ROLE {connection.info.user} BYPASSRLS.",
        )


def _look(url: str) -> Looks | None:
    """What later diagnoses compare with. A backup is one without it too, so it never keeps one from being taken."""
    try:
        with connect(url, purpose="look", statement_timeout_s=LOOK_S, lock_timeout_s=LOOK_S) as connection:
            connection.execute("SET default_transaction_read_only = on")
            return Looks(outline=read_outline(connection), profile=read_profile(connection))
    except (psycopg.Error, Failed, Refused) as error:
        reason = f"{type(error).__name__}: {explain(error)}" if isinstance(error, psycopg.Error) else error.reason
        log.warning("the backup is taken without a look at the whole: %s", reason)
        return None


def _describe_source(connection: Connection, url: str, tools: ClientTools) -> Source:
    server, database = observe_server(connection), observe_database(connection, database_of(url))
    roles = connection.execute(LIST_ROLES, {"oid": database.oid}).fetchall()
    return Source(
        database=database.name,
        oid=database.oid,
        size_bytes=database.size_bytes,
        encoding=database.encoding,
        collation=database.collation,
        character_type=database.character_type,
        locale_provider=database.locale_provider,
        locale=database.locale,
        server_version=server.version,
        server_major=server.major,
        pg_dump_version=tools.version,
        roles=tuple(role for (role,) in roles),
        owners=list_owners(connection),
        extensions=list_extensions(connection),
        subscriptions=list_subscriptions(connection),
        traits=observe_traits(connection, database.name),
    )


def _find_own(bucket: Bucket, key_prefix: str, run: str) -> Manifest | None:
    """The manifest that an earlier attempt of the same run completed."""
    for stored in bucket.list_objects(key_prefix):
        if stored.key.endswith(f"_{run}{MANIFEST_SUFFIX}"):
            return Manifest.model_validate_json(bucket.read_all(stored))
    return None
