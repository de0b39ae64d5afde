"""What a verified backup is made of, each piece alone: so that a reader sees what could still be saved, and what not.

CPU seconds, since pieces run side by side: whatever the order, n cores need at least their sum divided by n. A way that
only dumps, with nothing compressed, sent, counted or read back, is the floor of every way that reads through COPY.
"""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bot.systems.archives import Stored
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.parting import plan_parts
from bot.systems.dumps.rows import write_command
from bot.systems.dumps.streams import Squeezed, unpack
from bot.systems.dumps.verification import verify_part
from bot.systems.dumps.watch import Watch, ignore_progress
from bot.systems.fingerprints import take_fingerprint
from bot.systems.postgres import client_environment, connect
from bot.systems.processes import Child
from bot.systems.row_profiles import read_profile
from bot.systems.table_hashes import export_snapshot

if TYPE_CHECKING:
    from tests.bench.restore_bench import Stage

PG_DUMP, ROWS, SQUEEZED = "pg_dump to nowhere", "rows in binary to nowhere", "the same, compressed and hashed"
FINGERPRINT, READ_BACK, UNPACKED, LOOK = "checksums in SQL", "read back and checked", "read and unpacked", "look"


def list_pieces(stage: Stage, manifest: Manifest) -> dict[str, Callable[[], None]]:
    """The pieces by name."""
    return {
        PG_DUMP: lambda: _dump_to_nowhere(stage),
        ROWS: lambda: _write_rows(stage, lambda child: _exhaust(iter(lambda: child.stdout.read(1024 * 1024), b""))),
        SQUEEZED: lambda: _write_rows(stage, lambda child: _exhaust(Squeezed(child.stdout, _ignore))),
        FINGERPRINT: lambda: _exhaust([take_fingerprint(stage.url(), connections=1)]),
        READ_BACK: lambda: _read_back(stage, manifest),
        UNPACKED: lambda: _unpack(stage, manifest),
        LOOK: lambda: _look(stage),
    }


def _dump_to_nowhere(stage: Stage) -> None:
    command: list[str | Path] = [stage.tools.pg_dump, "--format=custom", "--compress=0"]
    subprocess.run(command, env=client_environment(stage.url()), stdout=subprocess.DEVNULL, check=True)


def _write_rows(stage: Stage, read: Callable[[Child], None]) -> None:
    """The large tables, one part after the other, as a backup reads them."""
    with connect(stage.url()) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = export_snapshot(connection)
        for plan in plan_parts(connection):
            if plan.rows is None:
                continue
            command = write_command(stage.tools, plan.rows, plan.pages, snapshot=snapshot, lock_timeout_s=10)
            with Child(command, environment=client_environment(stage.url()), stdout=True) as child:
                read(child)
                child.finish()


def _read_back(stage: Stage, manifest: Manifest) -> None:
    for part in manifest.parts:
        verify_part(stage.bucket, part, stage.tools, Watch(ignore_progress, lambda: False))


def _unpack(stage: Stage, manifest: Manifest) -> None:
    for part in manifest.parts:
        stored = stage.bucket.read(Stored(part.key, part.version_id, part.size_bytes))
        _exhaust(unpack(stored, place=part.key, sha256=part.sha256, told=_ignore))


def _look(stage: Stage) -> None:
    with connect(stage.url()) as connection:
        read_profile(connection)


def _exhaust(things: Iterable[object]) -> None:
    deque(things, maxlen=0)


def _ignore(_count: int) -> None:
    """Nobody is told."""
