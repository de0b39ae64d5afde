"""Backup, restore and swap against the source document's written pipeline, side by side on the same machine.

`python -m tests.bench.restore_bench [--bags 300000] [--audit 2] [--rounds 3] [--clients 50]`: only the ratios mean
something elsewhere. The written way is the document's: pg_dump through gzip into a file, upload; download, drop,
create, gunzip into psql; without the start of the AWS command line, so that nothing but the method is compared.

Where other programs use the same cores, seconds say little and CPU seconds nearly all: they are given beside, with
those of the S3 that runs on this machine apart, because S3 runs elsewhere.

Why a backup is not 5 times quicker on two cores: the written way is one gzip, which keeps one core busy. Ours has no
gzip, but reads everything three times over: for the dump, for the checksums, and back from S3. The pieces are measured
alone (`floors`) and printed. Of 445 MB, in CPU seconds: gzip 11.7; rows out 2.4, compressed and hashed 0.9 more,
checksums 1.1, read back 0.7, a look 0.4, sending and the rest 0.6: 6.1, so at most 3.8 times on two cores, and 5 times
takes 2.6. A bare pg_dump to nowhere, with nothing compressed, sent or checked, is 2.3.
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
from typing import TYPE_CHECKING, NamedTuple

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
from bot.systems.dumps.foreign_keys import ForeignKey, check_keys
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.restore import restore_archive
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import client_environment, connect, replace_database
from bot.systems.probe import probe_database
from tests.bench.audit_log import seed_audit_log
from tests.bench.floors import FINGERPRINT, LOOK, PG_DUMP, READ_BACK, ROWS, SQUEEZED, UNPACKED, list_pieces

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LIVE, SIDE, KEPT, BARE = "traitortrack", "traitortrack_side", "traitortrack_kept", "bare"
# Else the work that one way leaves to be done by itself would be counted to the next.
SETTINGS = {"autovacuum": "off"}
AIMS = {"backup": 5.0, "restore": 1.4}


@dataclass
class Stage:
    """A seeded server, a bucket and a scratch directory."""

    cluster: Cluster
    s3: S3Client
    cloud: Cloud
    scratch: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu_seconds: dict[str, list[float]] = field(default_factory=dict)
    s3_seconds: dict[str, list[float]] = field(default_factory=dict)

    def url(self, database: str = LIVE) -> str:
        return self.cluster.url(database, role="holdfast")

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.s3, BUCKET)

    @property
    def tools(self) -> ClientTools:
        with connect(self.url("postgres")) as connection:
            return find_client_tools(observe_server(connection).major)

    def time(self, name: str, work: Callable[[], None]) -> None:
        began, used, of_s3 = time.monotonic(), self.cpu_s(), read_cpu_s(self.cloud.pid)
        work()
        self.seconds.setdefault(name, []).append(time.monotonic() - began)
        self.wait_until_idle()
        self.cpu_seconds.setdefault(name, []).append(self.cpu_s() - used)
        self.s3_seconds.setdefault(name, []).append(read_cpu_s(self.cloud.pid) - of_s3)

    def wait_until_idle(self) -> None:
        """A session's CPU seconds are known when it has ended, which is a little after its client has."""
        others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        with psycopg.connect(self.cluster.admin_url, autocommit=True) as connection:
            while connection.execute(others).fetchone() != (1,):
                time.sleep(0.01)
        time.sleep(0.5)  # until the postmaster, which is asked for them, has taken note of it

    def cpu_s(self) -> float:
        """CPU seconds used until now by us, our programs and the server's sessions that have ended."""
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in own) + read_cpu_s(self.cluster.pid)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def tell_cpu(self, name: str) -> str:
        return f" (CPU {self.cpu_seconds[name][-1]:.1f})" if name in self.cpu_seconds else ""

    def median_cpu(self, name: str) -> float:
        return statistics.median(self.cpu_seconds[name])


def read_cpu_s(pid: int | None) -> float:
    """CPU seconds of a process, its threads and the children that it has reaped; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    ticks = sum(map(int, stat.read_text().rpartition(")")[2].split()[11:15])) if stat.exists() else 0
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def build_stage(bags: int, audit_per_bag: int) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Cluster(settings=SETTINGS) as cluster:
        cluster.create_database(LIVE)
        seed(cluster.url(LIVE), bags)
        seed_audit_log(cluster.url(LIVE), audit_per_bag)
        cloud = Cloud(Path(folder))
        cloud.start()
        try:
            yield Stage(cluster, open_s3(cloud.url), cloud, Path(folder))
        finally:
            cloud.stop()


def open_s3(s3_url: str) -> S3Client:
    """A client as patient as boto3 is by itself."""
    return boto3.client(
        "s3",
        endpoint_url=s3_url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )


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
    stage.s3.upload_file(str(path), BUCKET, "written.sql.gz")


def restore_as_written(stage: Stage) -> None:
    path = stage.scratch / "downloaded.sql.gz"
    stage.s3.download_file(BUCKET, "written.sql.gz", str(path))
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


def restore_and_swap(stage: Stage, manifest: Manifest, marker: str) -> list[ForeignKey]:
    """Up to the exchange; the foreign keys that are to be checked after it."""
    with connect(stage.url("postgres")) as connection:
        create_beside(connection, SIDE, like=observe_database(connection, LIVE))
    keys = restore_archive(stage.url(SIDE), stage.bucket, manifest, check_keys=False).unchecked
    began = time.monotonic()
    prove(stage, manifest)
    stage.seconds.setdefault("proof", []).append(time.monotonic() - began)
    carry_over(stage.url("postgres"), live=LIVE, side=SIDE)
    swap(stage.url("postgres"), live=LIVE, side=SIDE, kept=KEPT, marker=marker)
    return list(keys)


def check_restored_keys(stage: Stage, keys: list[ForeignKey]) -> None:
    wrong = check_keys(stage.url(), keys, lambda words: None)
    if wrong or not keys:
        raise SystemExit(f"foreign keys are wrong: {wrong} of {len(keys)}")


def prove(stage: Stage, manifest: Manifest) -> None:
    found = take_fingerprint(stage.url(SIDE), like=manifest.fingerprint, connections=os.cpu_count() or 2)
    differences = compare_fingerprints(manifest.fingerprint, found)
    if differences:
        raise SystemExit(f"the restore is wrong: {differences}")


def run_round(stage: Stage, number: int) -> None:
    """Each way once; the order changes, so that no way always finds the warmer caches."""
    taken: list[Manifest] = []
    keys: list[ForeignKey] = []

    def back_up_once() -> None:
        taken.append(back_up(stage.url(), stage.bucket, prefix="database/", run=f"round-{number}"))

    def restore_once() -> None:
        keys.extend(restore_and_swap(stage, taken[0], f"round-{number}"))

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
        ("restore", restore_once),
    ]
    for name, work in restores if number % 2 else reversed(restores):
        stage.time(name, work)
        if name == "restore":
            stage.time("foreign keys", lambda: check_restored_keys(stage, keys))
    stage.cluster.drop_database(KEPT)
    for name, work in list_pieces(stage, taken[0]).items():
        stage.time(name, work)


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


def report(stage: Stage, clients: int, gaps: list[float]) -> None:
    for way, aim in AIMS.items():
        written, ours = stage.median(f"written {way}"), stage.median(way)
        print(f"{way}: written {written:.1f} s, ours {ours:.1f} s: {written / ours:.2f} x (aim {aim:g} x)")
        cpu = [stage.median_cpu(name) for name in (f"written {way}", way)]
        of_s3 = [statistics.median(stage.s3_seconds[name]) for name in (f"written {way}", way)]
        print(f"  CPU: written {cpu[0]:.1f} s, ours {cpu[1]:.1f} s: {cpu[0] / cpu[1]:.2f} x", end="; ")
        print(f"of S3 {of_s3[0]:.1f} s and {of_s3[1]:.1f} s")
    report_pieces(stage)
    over = stage.median("restore") / stage.median("bare restore") - 1
    cpu_over = stage.median_cpu("restore") / stage.median_cpu("bare restore") - 1
    print(f"restore with proof and swap over bare pg_restore -j from a local file: {over:+.0%} (aim +5 %)")
    print(f"  CPU: bare {stage.median_cpu('bare restore'):.1f} s, ours {cpu_over:+.0%}")
    keys_s, keys_cpu_s = stage.median("foreign keys"), stage.median_cpu("foreign keys")
    whole, whole_cpu = stage.median("restore") + keys_s, stage.median_cpu("restore") + keys_cpu_s
    print(
        f"  foreign keys checked after the swap: {keys_s:.1f} s, CPU {keys_cpu_s:.1f} s; with them over bare:", end=" "
    )
    print(
        f"{whole / stage.median('bare restore') - 1:+.0%}, CPU {whole_cpu / stage.median_cpu('bare restore') - 1:+.0%}"
    )
    print(f"proof: {stage.median('proof') / stage.median('restore'):.1%} of the restore (aim under 10 %)")
    gap_s = statistics.median(gaps)
    less = stage.median("written restore") / gap_s
    print(f"swap with {clients} clients: gap {gap_s * 1000:.0f} ms of {[round(g * 1000) for g in gaps]} (aim 250 ms),")
    print(f"  {less:.0f} x less than the written restore, which is down all the time (aim 100 x)")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        memory = pool.apply(measure_memory, (stage.url(), stage.url(SIDE), stage.cloud.url))
    print(f"memory of backup and restore: {memory.idle_mb:.0f} MB before, {memory.peak_mb:.0f} MB at most (aim 150 MB)")
    print(f"archive: {memory.dump_bytes:,} bytes, as stored {memory.size_bytes:,}")


def report_pieces(stage: Stage) -> None:
    """What each piece of a backup takes alone, and what that leaves possible."""
    written, cores = stage.median_cpu("written backup"), os.cpu_count() or 2
    for name in (PG_DUMP, ROWS, SQUEEZED, FINGERPRINT, READ_BACK, LOOK):
        print(
            f"  {name}: CPU {stage.median_cpu(name):.2f} s, {written / stage.median_cpu(name):.1f} x less than written"
        )
    sum_s = sum(stage.median_cpu(name) for name in (SQUEEZED, FINGERPRINT, READ_BACK, LOOK))
    print(f"  the last four together {sum_s:.1f} s; the rest is sending, catalogs and programs that start")
    # The written way takes as long as its gzip, which has one core to itself.
    gzip_s, ours_s = written - stage.median_cpu(PG_DUMP), stage.median_cpu("backup")
    print(
        f"  written is {gzip_s:.1f} s of gzip on one core: ours on {cores} idle cores, S3 elsewhere, is at most",
        end=" ",
    )
    print(f"{gzip_s * cores / ours_s:.1f} x; {AIMS['backup']:g} x take {AIMS['backup'] * ours_s / gzip_s:.1f} cores")
    print(f"  a restore has to fetch and unpack: CPU {stage.median_cpu(UNPACKED):.2f} s, which bare pg_restore has not")


class Memory(NamedTuple):
    """What a process had before, and at most. The server and S3 are others."""

    idle_mb: float
    peak_mb: float
    dump_bytes: int
    size_bytes: int


def measure_memory(live_url: str, side_url: str, s3_url: str) -> Memory:
    """A backup and a restore alone in a process."""
    bucket = Bucket(open_s3(s3_url), BUCKET)
    idle_mb = peak_mb()
    manifest = back_up(live_url, bucket, prefix="memory/", run="memory")
    with connect(replace_database(live_url, "postgres")) as connection:
        create_beside(connection, SIDE, like=observe_database(connection, LIVE))
    restore_archive(side_url, bucket, manifest)
    return Memory(idle_mb, peak_mb(), manifest.dump_bytes, manifest.size_bytes)


def peak_mb() -> float:
    """The most memory that this process has had, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # Where there is one, because the other begins with what the parent had.
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=300_000)
    parser.add_argument("--audit", type=int, default=2, help="entries of the audit log for each bag")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=50)
    asked = parser.parse_args()
    with build_stage(asked.bags, asked.audit) as stage:
        size = f"{asked.bags:,} bags with {asked.audit} entries of the audit log each"
        print(f"{size}, {asked.rounds} rounds, {os.cpu_count()} cores; medians", flush=True)
        for number in range(1, asked.rounds + 1):
            run_round(stage, number)
            taken = (f"{n} {s[-1]:.1f} s{stage.tell_cpu(n)}" for n, s in stage.seconds.items())
            print(f"  round {number}, load {os.getloadavg()[0]:.1f}: {', '.join(taken)}", flush=True)
        gaps = [measure_gap(stage, asked.clients, f"gap-{number}") for number in range(asked.rounds)]
        report(stage, asked.clients, gaps)


if __name__ == "__main__":
    main()
