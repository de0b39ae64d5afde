"""Filling a database from a backup: streamed from S3, several parts side by side, nothing kept on disk.

Only the schema, some kilobytes to a few megabytes, is kept while it lasts, because it is read more than once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.systems.archives import Bucket, Stored
from bot.systems.client_tools import ClientTools
from bot.systems.databases import observe_database
from bot.systems.dumps.foreign_keys import ForeignKey, add_unchecked, list_partitioned, take_apart
from bot.systems.dumps.functions import functions_at_home
from bot.systems.dumps.manifest import SCHEMA_PART, Manifest, Part
from bot.systems.dumps.passing_files import open_passing_file
from bot.systems.dumps.pouring import pour
from bot.systems.dumps.rows import TableRows, load
from bot.systems.dumps.streams import feed, unpack
from bot.systems.dumps.watch import Watch
from bot.systems.postgres import client_environment, connect, database_of
from bot.systems.processes import Child
from bot.systems.sessions import SessionGone, list_sessions, terminate_session

Share = TypeVar("Share")

# One object from S3, unpacked and taken apart, keeps no more sessions busy than so many.
SESSIONS_PER_PART = 4

LIST_TABLES_BY_SIZE = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY pg_table_size(c.oid) DESC
"""


@dataclass(frozen=True)
class Loader:
    """Everything that the steps of one restore have in common. `url` leads to the target, which is ours alone."""

    url: str
    bucket: Bucket
    manifest: Manifest
    tools: ClientTools
    watch: Watch

    def load(self, workers: int, *, check_keys: bool) -> tuple[ForeignKey, ...]:
        """Everything, in order; the foreign keys that are still to be checked, none with `check_keys`.

        Raises ArchiveDamaged, ProcessFailed, CheckFailed, StorageUnavailable or SystemCancelled.
        """
        with self._fetch_schema() as schema:
            with self.watch.phase("pre-data"):
                self._restore(schema, "--section=pre-data")
            with functions_at_home(self.url, self.manifest.source.traits.search_path):
                with self.watch.phase("data"):
                    self._load_data(workers)
                with self.watch.phase("post-data"):
                    keys = self._restore_post_data(schema, workers, check_keys=check_keys)
        with self.watch.phase("analyze"):
            self._analyze(workers)
        return keys

    def count_connections(self, workers: int) -> int:
        """How many there are at most with so many `workers`; one that hands rows out is one, too."""
        shares = self._share_out([part for part in self._data if part.format == "binary"], workers)
        binary = min(workers, len(shares))
        plain = sorted(self._count_sessions(part, workers) + 1 for part in self._data if part.format == "plain")
        custom = sum(part.format == "custom" for part in self._data)
        loading = binary + sum(plain[-workers:]) + min(workers, custom)
        return max(loading, workers)

    def end_sessions(self) -> None:
        """End what still works in the target and see it gone. Raises DatabaseUnreachable or DatabaseMissing."""
        with connect(self.url, purpose="restore stopped") as connection:
            oid = observe_database(connection, database_of(self.url)).oid
            for session in list_sessions(connection, oid):
                with suppress(SessionGone):
                    terminate_session(connection, session.pid, session.started_at)

    @contextmanager
    def _fetch_schema(self) -> Iterator[Path]:
        """The schema's archive, checked, under a path that several programs may read at a time."""
        with open_passing_file() as (file, path):
            for chunk in self._unpack(self.manifest.find_part(SCHEMA_PART), "pre-data"):
                file.write(chunk)
            file.flush()
            yield path

    def _restore(self, schema: Path, *options: str) -> None:
        with Child([*self._command(), *options, schema], environment=self._environment(options[0])) as child:
            child.finish(check=self.watch.check)

    def _restore_post_data(self, schema: Path, workers: int, *, check_keys: bool) -> tuple[ForeignKey, ...]:
        """Indexes, constraints, triggers and comments; foreign keys last, as nothing but a comment rests on them."""
        options = ("--section=post-data", f"--jobs={workers}")
        # The script with the keys is in the source's encoding, and read as UTF-8.
        if check_keys or self.manifest.source.encoding != "UTF8":
            self._restore(schema, *options)
            return ()
        with connect(self.url, purpose="restore foreign keys") as connection:
            partitioned = list_partitioned(connection)
        content = take_apart(self.tools, schema, partitioned)
        self._restore_listed(schema, content.entries, *options)
        with connect(self.url, purpose="restore foreign keys") as connection:
            keys = add_unchecked(connection, content.statements, self.watch.check)
        if content.comments:
            self._restore_listed(schema, content.comments, "--section=post-data")
        return keys

    def _restore_listed(self, schema: Path, entries: list[str], *options: str) -> None:
        with open_passing_file() as (file, path):
            file.write("\n".join(entries).encode())
            file.flush()
            self._restore(schema, *options, f"--use-list={path}")

    @property
    def _data(self) -> list[Part]:
        return [part for part in self.manifest.parts if part.name != SCHEMA_PART]

    def _load_data(self, workers: int) -> None:
        """The parts side by side, the largest first."""
        parts = sorted(self._data, key=lambda part: part.dump_bytes, reverse=True)
        plain = deque(part for part in parts if part.format == "plain")
        custom = deque(part for part in parts if part.format == "custom")
        binary = deque(self._share_out([part for part in parts if part.format == "binary"], workers))
        pour_part = partial(self._pour_part, workers)
        works: list[Callable[[], None]] = [
            *[partial(self._load_each, binary, self._load_rows)] * min(workers, len(binary)),
            *[partial(self._load_each, plain, pour_part)] * min(workers, len(plain)),
            *[partial(self._load_each, custom, self._load_part)] * min(workers, len(custom)),
        ]
        with ThreadPoolExecutor(len(works), thread_name_prefix="restore") as pool:
            wait([pool.submit(self.watch.guard, work) for work in works])
        self.watch.raise_first()

    def _load_each(self, waiting: deque[Share], load: Callable[[Share], None]) -> None:
        while True:
            try:
                share = waiting.popleft()
            except IndexError:
                return
            load(share)

    def _share_out(self, parts: list[Part], workers: int) -> list[list[Part]]:
        """What one session each loads, the largest first: a table, or of one that is worth several a share."""
        tables: dict[TableRows | None, list[Part]] = {}
        for part in parts:
            tables.setdefault(part.table, []).append(part)
        fair_bytes = sum(part.dump_bytes for part in self.manifest.parts) / workers
        shares: list[list[Part]] = []
        for own in tables.values():
            sessions = max(1, min(round(_count_bytes(own) / fair_bytes), len(own)))
            shares += [own[first::sessions] for first in range(sessions)]
        return sorted(shares, key=_count_bytes, reverse=True)

    def _load_rows(self, parts: list[Part]) -> None:
        """One table's rows, through one session."""
        table = parts[0].table
        assert table is not None  # whoever writes binary rows says whose they are
        alone = sum(part.table == table for part in self.manifest.parts) == len(parts)
        load(self.url, table, (self._unpack(part, "data") for part in parts), alone=alone)

    def _pour_part(self, workers: int, part: Part) -> None:
        """Rows of tables."""
        pour(self.url, self._unpack(part, "data"), self._count_sessions(part, workers), self.watch)

    def _count_sessions(self, part: Part, workers: int) -> int:
        """As many as the part is worth: one is cheaper, several are sooner done."""
        share_bytes = _count_bytes(self._data) / workers
        return max(1, min(round(part.dump_bytes / share_bytes), SESSIONS_PER_PART))

    def _load_part(self, part: Part) -> None:
        """A part with anything in it, as pg_restore loads it."""
        with Child([*self._command(), "--section=data"], environment=self._environment(part.name), stdin=True) as child:
            feed(child, self._unpack(part, "data"))
            child.finish(check=self.watch.check)

    def _analyze(self, workers: int) -> None:
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
        environment = client_environment(self.url, purpose=f"restore {purpose.removeprefix('--section=')}")
        # An index that is being built for nobody stops a second after its client died. Builds already run side by
        # side, and workers within each only get into each other's way: without them it takes a twelfth less CPU.
        options = "-c client_connection_check_interval=1000 -c max_parallel_maintenance_workers=0"
        return environment | {"PGOPTIONS": f"{environment.get('PGOPTIONS', '')} {options}".strip()}


def _count_bytes(parts: list[Part]) -> int:
    return sum(part.dump_bytes for part in parts)
