"""Filling a database from a backup: streamed from S3, several parts side by side, nothing kept on disk.

Only the schema, some kilobytes to a few megabytes, goes through a temporary file, because it is read more than once.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.systems.archives import Bucket, Stored
from bot.systems.client_tools import ClientTools
from bot.systems.databases import observe_database
from bot.systems.dumps.manifest import SCHEMA_PART, Manifest, Part
from bot.systems.dumps.streams import feed, unpack
from bot.systems.dumps.watch import Watch
from bot.systems.postgres import client_environment, connect, database_of
from bot.systems.processes import Child, capture
from bot.systems.sessions import SessionGone, list_sessions, terminate_session

LOOK_EVERY_S = 0.05
# One line of pg_restore --list: the entry's number, two object ids, and what it is.
ENTRY = re.compile(r"\d+; \d+ \d+ (.*)")

LIST_TABLES_BY_SIZE = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY pg_table_size(c.oid) DESC
"""


@dataclass
class _Queues:
    """What the workers of the data phase take from: parts first, then indexes whose tables are there already."""

    parts: deque[Part]
    lines: dict[str, str]
    ready: deque[str] = field(default_factory=deque)
    built: set[str] = field(default_factory=set)
    all_loaded: threading.Event = field(default_factory=threading.Event)
    loading: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take_part(self) -> Part | None:
        """The next part, or None."""
        with self.lock:
            if not self.parts:
                return None
            self.loading += 1
            return self.parts.popleft()

    def finish_part(self, part: Part) -> None:
        """Its tables are there: their indexes may be built."""
        with self.lock:
            self.loading -= 1
            self.ready.extend(line for index in part.indexes if (line := self.lines.get(index)) is not None)
            if not self.loading and not self.parts:
                self.all_loaded.set()

    def take_index(self) -> str | None:
        """The list line of the next index, or None."""
        with self.lock:
            if not self.ready:
                return None
            line = self.ready.popleft()
            self.built.add(line)
            return line


@dataclass(frozen=True)
class Loader:
    """Everything that the steps of one restore have in common. `url` leads to the target, which is ours alone."""

    url: str
    bucket: Bucket
    manifest: Manifest
    tools: ClientTools
    watch: Watch

    def load(self, workers: int) -> None:
        """Everything, in order. Raises ArchiveDamaged, ProcessFailed, StorageUnavailable or SystemCancelled."""
        with self._fetch_schema() as schema:
            with self.watch.phase("pre-data"):
                self._restore(schema, "--section=pre-data")
            with self.watch.phase("data"):
                left = self._load_data(schema, workers)
            with self.watch.phase("post-data"):
                self._restore(schema, "--section=post-data", f"--jobs={workers}", f"--use-list={left}")
        with self.watch.phase("analyze"):
            self._analyze(workers)

    def end_sessions(self) -> None:
        """End what still works in the target and see it gone. Raises DatabaseUnreachable or DatabaseMissing."""
        with connect(self.url, purpose="restore stopped") as connection:
            oid = observe_database(connection, database_of(self.url)).oid
            for session in list_sessions(connection, oid):
                with suppress(SessionGone):
                    terminate_session(connection, session.pid, session.started_at)

    @contextmanager
    def _fetch_schema(self) -> Iterator[Path]:
        """The schema's archive, checked, in a temporary file."""
        with tempfile.TemporaryDirectory(prefix="holdfast-") as directory:
            path = Path(directory, "schema.dump")
            with path.open("wb") as file:
                for chunk in self._unpack(self.manifest.find_part(SCHEMA_PART), "pre-data"):
                    file.write(chunk)
            yield path

    def _restore(self, schema: Path, *options: str) -> None:
        with Child([*self._command(), *options, schema], environment=self._environment(options[0])) as child:
            child.finish(check=self.watch.check)

    def _load_data(self, schema: Path, workers: int) -> Path:
        """Load every part, `workers` at a time, the largest first; returns a list of what is left for after the data.

        Who has no part left builds indexes of tables that are there, as long as others still load: one large table
        would else keep one core busy and the others waiting.
        """
        printed = capture([self.tools.pg_restore, "--list", schema]).splitlines()
        lines = {entry.group(1): line for line in printed if (entry := ENTRY.fullmatch(line)) is not None}
        parts = [part for part in self.manifest.parts if part.name != SCHEMA_PART]
        queues = _Queues(deque(sorted(parts, key=lambda part: part.dump_bytes, reverse=True)), lines)
        with ThreadPoolExecutor(workers, thread_name_prefix="restore") as pool:
            work = partial(self._load_and_build, schema, queues)
            wait([pool.submit(self.watch.guard, partial(work, number)) for number in range(workers)])
        self.watch.raise_first()
        return _write_list(schema.with_name("left.list"), [line for line in printed if line not in queues.built])

    def _load_and_build(self, schema: Path, queues: _Queues, number: int) -> None:
        while (part := queues.take_part()) is not None:
            self._load_part(part)
            queues.finish_part(part)
        while not queues.all_loaded.is_set():
            self.watch.check()
            line = queues.take_index()
            if line is None:
                queues.all_loaded.wait(LOOK_EVERY_S)
            else:
                only = _write_list(schema.with_name(f"index-{number}.list"), [line])
                self._restore(schema, "--section=post-data", f"--use-list={only}")

    def _load_part(self, part: Part) -> None:
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


def _write_list(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
