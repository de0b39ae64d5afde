"""One database of a restored server into an empty one of the live server: pg_dump and pg_restore, side by side."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bot.systems.connection_limits import choose_jobs
from bot.systems.outcomes import SystemCancelled
from bot.systems.postgres import client_environment, connect, database_of
from bot.systems.processes import Child
from bot.systems.table_hashes import has_trees


def copy_database(
    source_url: str,
    target_url: str,
    folder: Path,
    bindir: Path,
    *,
    told: Callable[[str], None] = lambda words: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Copy everything, with owners and grants; the first error stops it. `folder` is made and removed again.

    Statistics are gathered at the end. Raises ProcessFailed or SystemCancelled; then the target is half filled.
    """
    jobs = f"--jobs={os.cpu_count() or 2}"
    with connect(target_url, purpose="copy") as connection:  # the source's server is ours alone
        load_jobs = choose_jobs(connection, os.cpu_count() or 2, lambda count: count, "A copy")
    with connect(source_url, purpose="copy") as connection:
        through_root = has_trees(connection)

    def check() -> None:
        if cancelled():
            raise SystemCancelled("Stopped on request.")

    shutil.rmtree(folder, ignore_errors=True)
    try:
        told("reading")
        # Not compressed: it is read once, at once, on the same machine.
        dump: list[str | Path] = [bindir / "pg_dump", "--format=directory", "--compress=0", jobs, f"--file={folder}"]
        dump += ["--load-via-partition-root"] if through_root else []
        _run(dump, client_environment(source_url, purpose="copy"), check)
        told("writing")
        # Through the root pg_restore does not know which partition rows go into, and several jobs would wait for locks.
        load: list[str | Path] = [
            bindir / "pg_restore", "--exit-on-error", *([] if through_root else [f"--jobs={load_jobs}"]),
            f"--dbname={database_of(target_url)}", folder,
        ]  # fmt: skip
        _run(load, client_environment(target_url, purpose="copy"), check)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told("gathering statistics")
    with connect(target_url, purpose="analyze") as connection:
        connection.execute("ANALYZE")


def _run(command: list[str | Path], environment: dict[str, str], check: Callable[[], None]) -> None:
    with Child(command, environment=environment) as child:
        child.finish(check=check)
