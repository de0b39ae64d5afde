"""Backup, restore and swap against the source document's written pipeline, side by side on the same machine.

`python -m tests.bench.restore_bench [--bags 300000] [--rounds 3] [--clients 50]`: only the ratios mean something
elsewhere. The written way is the document's: pg_dump through gzip into a file, upload; download, drop, create, gunzip
into psql; without the start of the AWS command line, so that nothing but the method is compared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path

import boto3
import psycopg

from bot.sandbox.cloud import BUCKET, Cloud
from bot.sandbox.postgres_cluster import Cluster
from bot.sandbox.warehouse.seed import seed
from bot.systems.archives import Bucket
from bot.systems.client_tools import ClientTools, find_client_tools
from bot.systems.database_swap import carry_over, swap
from bot.systems.databases import create_beside, observe_database, observe_server
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.restore import restore_archive
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import client_environment, connect
from bot.systems.probe import probe_database

LIVE, SIDE, KEPT, BARE = "traitortrack", "traitortrack_side", "traitortrack_kept", "bare"
AIMS = {"backup": 5.0, "restore": 1.4}


@dataclass
class Stage:
    """A seeded server, a bucket and a scratch directory."""

    cluster: Cluster
    bucket: Bucket
    cloud: Cloud
    scratch: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu_seconds: dict[str, list[float]] = field(default_factory=dict)

    def url(self, database: str = LIVE) -> str:
        return self.cluster.url(database, role="holdfast")

    @property
    def tools(self) -> ClientTools:
        with connect(self.url("postgres")) as connection:
            return find_client_tools(observe_server(connection).major)

    def time(self, name: str, work: Callable[[], None]) -> None:
        began, used = time.monotonic(), self.cpu_s()
        work()
        self.seconds.setdefault(name, []).append(time.monotonic() - began)
        self.wait_until_idle()
        self.cpu_seconds.setdefault(name, []).append(self.cpu_s() - used)

    def wait_until_idle(self) -> None:
        """A session's CPU seconds are known when it has ended, which is a little after its client has."""
        others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        with psycopg.connect(self.cluster.admin_url, autocommit=True) as connection:
            while connection.execute(others).fetchone() != (1,):
                time.sleep(0.01)

    def cpu_s(self) -> float:
        """CPU seconds used until now by us, our programs, the server's sessions that have ended, and S3."""
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        others = read_cpu_ticks(self.cluster.pid) + read_cpu_ticks(self.cloud.pid)
        return sum(usage.ru_utime + usage.ru_stime for usage in own) + others / os.sysconf("SC_CLK_TCK")

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])


def read_cpu_ticks(pid: int | None) -> int:
    """Ticks of a process, its threads and the children that it has reaped; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    return sum(map(int, stat.read_text().rpartition(")")[2].split()[11:15])) if stat.exists() else 0


@contextmanager
def build_stage(bags: int) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Cluster() as cluster:
        cluster.create_database(LIVE)
        seed(cluster.url(LIVE), bags)
        cloud = Cloud(Path(folder))
        cloud.start()
        client = boto3.client(
            "s3",
            endpoint_url=cloud.url,
            region_name="us-east-1",
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
        )
        try:
            yield Stage(cluster, Bucket(client, BUCKET), cloud, Path(folder))
        finally:
            cloud.stop()


def run_pipe(command: list[str | Path], environment: dict[str, str], source: Path | None, target: Path | None) -> None:
    """`command | gzip > target`, or `gunzip < source | command`."""
    gzip_command = ["gzip", "-c"] if target else ["gunzip", "-c"]
    with open(source or os.devnull, "rb") as given, open(target or os.devnull, "wb") as taken:
        first, second = (command, gzip_command) if target else (gzip_command, command)
        environments = (environment, None) if target else (None, environment)
        with subprocess.Popen(first, stdin=given, stdout=subprocess.PIPE, env=environments[0]) as writer:
            subprocess.run(
                second, stdin=writer.stdout, stdout=taken, stderr=subprocess.DEVNULL, env=environments[1], check=False
            )


def back_up_as_written(stage: Stage) -> None:
    path = stage.scratch / "written.sql.gz"
    command: list[str | Path] = [stage.tools.pg_dump, "--clean", "--if-exists", "--create"]
    run_pipe(command, client_environment(stage.cluster.url(LIVE)), None, path)
    stage.cloud.s3.upload_file(str(path), BUCKET, "written.sql.gz")


def restore_as_written(stage: Stage) -> None:
    path = stage.scratch / "downloaded.sql.gz"
    stage.cloud.s3.download_file(BUCKET, "written.sql.gz", str(path))
    stage.cluster.drop_database(LIVE)
    stage.cluster.create_database(LIVE)
    psql = stage.tools.bindir / "psql"
    run_pipe([psql, "--quiet"], client_environment(stage.cluster.url(LIVE)), path, None)


def restore_barely(stage: Stage) -> None:
    """The best that pg_restore does by itself: from a local file, one job per core, and no proof."""
    path = stage.scratch / "bare.dump"
    target: list[str | Path] = [stage.tools.pg_restore, "-e", f"-j{os.cpu_count() or 2}", f"--dbname={BARE}", path]
    subprocess.run(target, env=client_environment(stage.url(BARE)), check=True)


def dump_barely(stage: Stage) -> None:
    path = f"--file={stage.scratch / 'bare.dump'}"
    command: list[str | Path] = [stage.tools.pg_dump, "-Fc", "-Z0", path]
    subprocess.run(command, env=client_environment(stage.url()), check=True)


def restore_and_swap(stage: Stage, manifest: Manifest, marker: str) -> None:
    with connect(stage.url("postgres")) as connection:
        create_beside(connection, SIDE, like=observe_database(connection, LIVE))
    restore_archive(stage.url(SIDE), stage.bucket, manifest)
    stage.time("proof", lambda: prove(stage, manifest))
    carry_over(stage.url("postgres"), live=LIVE, side=SIDE)
    swap(stage.url("postgres"), live=LIVE, side=SIDE, kept=KEPT, marker=marker)


def prove(stage: Stage, manifest: Manifest) -> None:
    found = take_fingerprint(stage.url(SIDE), like=manifest.fingerprint)
    differences = compare_fingerprints(manifest.fingerprint, found)
    if differences:
        raise SystemExit(f"the restore is wrong: {differences}")


def run_round(stage: Stage, number: int) -> None:
    """Each way once; the order changes, so that no way always finds the warmer caches."""
    taken: list[Manifest] = []

    def back_up_once() -> None:
        taken.append(back_up(stage.url(), stage.bucket, prefix="database/", run=f"round-{number}"))

    ways = [
        ("written backup", lambda: back_up_as_written(stage)),
        ("backup", back_up_once),
    ]
    for name, work in ways if number % 2 else reversed(ways):
        stage.time(name, work)
    dump_barely(stage)
    stage.cluster.create_database(BARE)
    stage.time("bare restore", lambda: restore_barely(stage))
    stage.cluster.drop_database(BARE)
    restores = [
        ("written restore", lambda: restore_as_written(stage)),
        ("restore", lambda: restore_and_swap(stage, taken[0], f"round-{number}")),
    ]
    for name, work in restores if number % 2 else reversed(restores):
        stage.time(name, work)
    stage.cluster.drop_database(KEPT)


def keep_asking(url: str, clients: int, ready: Event, stop: Event) -> None:
    """So many clients that ask all the time and come back when they are thrown out; in a process of their own."""

    def ask() -> None:
        connection: psycopg.Connection | None = None
        while not stop.wait(0.02):
            try:
                connection = connection or psycopg.connect(url, autocommit=True)
                connection.execute("SELECT 1")
            except psycopg.OperationalError:
                connection = None

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    ready.set()
    for thread in threads:
        thread.join()


def measure_gap(stage: Stage, clients: int, marker: str) -> float:
    """Seconds between two good answers around a swap, as one more client sees it."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    crowd = context.Process(target=keep_asking, args=(stage.cluster.url(LIVE), clients, ready, stop))
    with connect(stage.url("postgres")) as connection:
        create_beside(connection, SIDE, like=observe_database(connection, LIVE))
    connect(stage.url(SIDE)).close()
    crowd.start()
    ready.wait()
    with probe_database(stage.cluster.url(LIVE), every_s=0.005) as probe:
        probe.wait_until_good(10)
        swap(stage.url("postgres"), live=LIVE, side=SIDE, kept=KEPT, marker=marker)
        probe.wait_until_good(10)
        gap_s = probe.observe().longest_gap_s
    stop.set()
    crowd.join()
    swap(stage.url("postgres"), live=LIVE, side=KEPT, kept=SIDE, marker=f"{marker}-back")
    stage.cluster.drop_database(SIDE)
    return gap_s


def report(stage: Stage, manifest_bytes: int, clients: int, gaps: list[float], idle_mb: float) -> None:
    for way, aim in AIMS.items():
        written, ours = stage.median(f"written {way}"), stage.median(way)
        used = [statistics.median(stage.cpu_seconds[name]) for name in (f"written {way}", way)]
        print(f"{way}: written {written:.1f} s, ours {ours:.1f} s: {written / ours:.2f} x (aim {aim:g} x)")
        print(f"  CPU: written {used[0]:.1f} s, ours {used[1]:.1f} s")
    over = stage.median("restore") / stage.median("bare restore") - 1
    print(f"restore with proof and swap over bare pg_restore -j from a local file: {over:+.0%} (aim +5 %)")
    print(f"proof: {stage.median('proof') / stage.median('restore'):.1%} of the restore (aim under 10 %)")
    gap_s = statistics.median(gaps)
    less = stage.median("written restore") / gap_s
    print(f"swap with {clients} clients: gap {gap_s * 1000:.0f} ms of {[round(g * 1000) for g in gaps]} (aim 250 ms),")
    print(f"  {less:.0f} x less than the written restore, which is down all the time (aim 100 x)")
    print(f"memory: {idle_mb:.0f} MB before, {peak_mb():.0f} MB at most (aim 150 MB); archive {manifest_bytes:,} bytes")


def peak_mb() -> float:
    """The most memory that this process has had, in MB. The server and S3 are others."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=50)
    asked = parser.parse_args()
    with build_stage(asked.bags) as stage:
        idle_mb = peak_mb()
        print(f"{asked.bags:,} bags, {asked.rounds} rounds, {os.cpu_count()} cores; medians", flush=True)
        for number in range(1, asked.rounds + 1):
            run_round(stage, number)
            print(
                f"  round {number}: "
                + ", ".join(
                    f"{n} {s[-1]:.1f} s (cpu {stage.cpu_seconds[n][-1]:.1f})" for n, s in stage.seconds.items()
                ),
                flush=True,
            )
        peak = sum(stored.size_bytes for stored in stage.bucket.list_objects("written"))
        gaps = [measure_gap(stage, asked.clients, f"gap-{number}") for number in range(asked.rounds)]
        report(stage, peak, asked.clients, gaps, idle_mb)


if __name__ == "__main__":
    main()
