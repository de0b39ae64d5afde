"""A physical restore to a moment against the source document's written logical restore, side by side.

`python -m tests.bench.point_in_time_bench [--bags 300000] [--audit 2] [--rounds 3]`: only the ratios mean something
elsewhere. Both begin in S3. The written way ends with the database restored; the physical one is told at two places:
when the rebuilt server answers at the moment, its log replayed, and when the database is copied home and compared.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bot.sandbox.cloud import BUCKET
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE, WAL_PREFIX, Stage
from bot.systems.archives import Bucket, open_bucket
from bot.systems.client_tools import find_client_tools
from bot.systems.databases import create_beside, observe_database
from bot.systems.dumps.watch import Watch, ignore_progress
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import client_environment, connect
from bot.systems.side_databases import drop_side
from bot.systems.wal.base_backup import take_base_backup
from bot.systems.wal.base_manifest import BaseManifest
from bot.systems.wal.closing import close_segment
from bot.systems.wal.copying import copy_database
from bot.systems.wal.fetching import fetch_base, fetch_wal
from bot.systems.wal.programs import find_server_programs
from bot.systems.wal.recoverable import find_physical_backups
from bot.systems.wal.side_cluster import SideCluster
from tests.bench.audit_log import seed_audit_log
from tests.bench.restore_bench import open_s3, read_cpu_s, run_pipe

AIM = 4.0
SIDE, WRITTEN = "traitortrack_side", "traitortrack_written"
CHANGED_SHARE = 0.05


@dataclass
class Bench:
    """A stage, what was taken from it, and what each way took."""

    stage: Stage
    bucket: Bucket
    scratch: Path
    base: BaseManifest
    at: datetime
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu_seconds: dict[str, list[float]] = field(default_factory=dict)

    def url(self, database: str) -> str:
        return self.stage.cluster.url(database, role=RECOVERY_ROLE)

    def time(self, name: str, work: Callable[[], None]) -> None:
        began, used = time.monotonic(), self.cpu_s()
        work()
        self.seconds.setdefault(name, []).append(time.monotonic() - began)
        self.cpu_seconds.setdefault(name, []).append(self.cpu_s() - used)

    def cpu_s(self) -> float:
        """CPU seconds used until now by us, our programs that have ended, the live server, and S3."""
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        others = read_cpu_s(self.stage.cluster.pid) + read_cpu_s(self.stage.cloud.pid)
        return sum(usage.ru_utime + usage.ru_stime for usage in own) + others

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def cpu_median(self, name: str) -> float:
        return statistics.median(self.cpu_seconds[name])


def restore_as_written(bench: Bench) -> None:
    path = bench.scratch / "downloaded.sql.gz"
    open_s3(bench.stage.cloud.url).download_file(BUCKET, "written.sql.gz", str(path))
    bench.stage.cluster.drop_database(WRITTEN)
    bench.stage.cluster.create_database(WRITTEN)
    psql = find_client_tools(bench.base.server_major).bindir / "psql"
    run_pipe([psql, "--quiet"], client_environment(bench.stage.cluster.url(WRITTEN)), path, None)


def restore_physically(bench: Bench) -> None:
    bindir = find_server_programs(bench.base.server_major)
    cluster = SideCluster(bench.stage.directory / "restore" / "bench", bindir, bench.base.superuser)
    drop_side(bench.url("postgres"), SIDE)
    bench.time("fetch", lambda: fetch(bench, cluster))
    bench.time("recover", lambda: recover(cluster))
    bench.time("home", lambda: go_home(bench, cluster))
    cluster.remove()


def fetch(bench: Bench, cluster: SideCluster) -> None:
    backups = find_physical_backups(bench.bucket, "base/", bench.bucket, WAL_PREFIX)
    wanted = backups.choose(bench.at, cluster.bindir, may_grow=False).wanted
    watch = Watch(ignore_progress, lambda: False)
    cluster.make_folder()
    fetch_base(bench.bucket, bench.base, cluster.data, watch)
    _, stop = fetch_wal(backups.archive, wanted, cluster.wal, cluster.bindir, watch)
    cluster.configure(stop)


def recover(cluster: SideCluster) -> None:
    with cluster.running():
        cluster.require(DATABASE)


def go_home(bench: Bench, cluster: SideCluster) -> None:
    with cluster.running():
        with connect(bench.url("postgres")) as live, cluster.connect("postgres") as source:
            create_beside(live, SIDE, like=observe_database(source, DATABASE))
        copy_database(cluster.url(DATABASE), bench.url(SIDE), cluster.work / "copy", cluster.bindir)
        expected = take_fingerprint(cluster.url(DATABASE))
    if compare_fingerprints(expected, take_fingerprint(bench.url(SIDE), like=expected)):
        raise SystemExit("the restore is wrong")


def run_round(bench: Bench, number: int) -> None:
    """Each way once; the order changes, so that no way always finds the warmer caches."""
    ways: list[Callable[[], None]] = [
        lambda: bench.time("written", lambda: restore_as_written(bench)),
        lambda: restore_physically(bench),
    ]
    for way in ways if number % 2 else reversed(ways):
        way()
    told = ", ".join(
        f"{name} {seconds[-1]:.1f} s (CPU {bench.cpu_seconds[name][-1]:.1f})" for name, seconds in bench.seconds.items()
    )
    print(f"  round {number + 1}: {told}", flush=True)


def prepare(stage: Stage, scratch: Path) -> Bench:
    """A base backup, some log after it, and the dump that the written way would restore."""
    bucket = open_bucket(BUCKET, "us-east-1")
    url = stage.cluster.url(DATABASE, role=RECOVERY_ROLE)
    base = take_base_backup(url, bucket, prefix="base/", run="bench")
    with psycopg.connect(stage.application_url, autocommit=True) as connection:
        connection.execute("UPDATE bag SET id = id WHERE id %% %s = 0", (round(1 / CHANGED_SHARE),))
    at = datetime.now(UTC)
    with connect(stage.cluster.url("postgres", role=RECOVERY_ROLE)) as connection:
        close_segment(connection)
    path = scratch / "written.sql.gz"
    tools = find_client_tools(base.server_major)
    run_pipe([tools.pg_dump, "--no-owner"], client_environment(stage.application_url), None, path)
    open_s3(stage.cloud.url).upload_file(str(path), BUCKET, "written.sql.gz")
    return Bench(stage, bucket, scratch, base, at)


def report(bench: Bench) -> None:
    written, answers = bench.median("written"), bench.median("fetch") + bench.median("recover")
    cpu_written, cpu_answers = bench.cpu_median("written"), bench.cpu_median("fetch") + bench.cpu_median("recover")
    home, cpu_home = answers + bench.median("home"), cpu_answers + bench.cpu_median("home")
    print(f"base backup {bench.base.size_bytes:,} bytes of {bench.base.tar_bytes:,}")
    print(f"written logical restore {written:.1f} s, CPU {cpu_written:.1f} s")
    print(f"rebuilt server answers at the moment after {answers:.1f} s, CPU {cpu_answers:.1f} s:")
    print(f"  {written / answers:.2f} x, by CPU {cpu_written / cpu_answers:.2f} x (aim {AIM:g} x)")
    print(f"database copied home and compared after {home:.1f} s, CPU {cpu_home:.1f} s:")
    print(f"  {written / home:.2f} x, by CPU {cpu_written / cpu_home:.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=300_000)
    parser.add_argument("--audit", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Stage(bags=asked.bags, bags_per_s=0, archive_wal=True) as stage,
    ):
        os.environ.update(stage.cloud.environment())
        seed_audit_log(stage.application_url, asked.audit)
        bench = prepare(stage, Path(folder))
        print(f"{asked.bags:,} bags, {asked.rounds} rounds, {os.cpu_count()} cores; medians", flush=True)
        for number in range(asked.rounds):
            run_round(bench, number)
        report(bench)


if __name__ == "__main__":
    main()
