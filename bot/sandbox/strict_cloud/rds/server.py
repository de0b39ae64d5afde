"""The PostgreSQL server behind an RDS instance: a real one, so that an endpoint answers and rows can be counted.

A base backup is a data directory that never ran; a restored instance runs a copy of one. Superuser, roles and
passwords come with the data, as they do in RDS.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.sandbox.children import Child, OsUser
from bot.sandbox.ports import free_port
from bot.sandbox.postgres_cluster import ordinary_user
from bot.sandbox.scratch import ScratchDirectory

START_DEADLINE_S = 60.0
POLL_S = 0.05
HOST = "127.0.0.1"
OWN_OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "archive_mode": "off",  # a copy must never write into the archive of what it was copied from
    "hot_standby": "on",
    "wal_keep_size": "128MB",
    "fsync": "off",
}
PROMOTED = "SELECT NOT pg_is_in_recovery()"
LAG = """
SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN -1
            WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END::float
"""


"""What is received begins with a segment, so that it may be less than what the base backup brought along."""


class ServerFailed(RuntimeError):
    """A PostgreSQL program of the cloud failed; the message holds what it said."""


@dataclass(frozen=True)
class Programs:
    """Where PostgreSQL's programs are and who may run them."""

    bindir: Path
    run_as: OsUser | None

    @classmethod
    def in_directory(cls, bindir: Path) -> Programs:
        """Return the programs of a directory, run as an ordinary user where we are root."""
        return cls(bindir, ordinary_user() if os.geteuid() == 0 else None)

    def run(self, *argv: str | Path, password: str = "") -> None:
        """Run a program to its end. Raises ServerFailed."""
        who = self.run_as
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "PGPASSWORD": password},
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=[] if who else None,
        )
        if done.returncode != 0:
            raise ServerFailed(f"{argv[0]} failed: {done.stderr.strip()}")

    def make_directory(self, purpose: str) -> ScratchDirectory:
        """Return a scratch directory in which these programs may write."""
        scratch = ScratchDirectory(purpose)
        if self.run_as:
            os.chown(scratch.path, self.run_as.uid, self.run_as.gid)
        return scratch


@dataclass(frozen=True)
class BaseBackup:
    """A data directory as it was at one moment, and the superuser's URL parts that come with it."""

    scratch: ScratchDirectory
    programs: Programs
    account: str  # connection string without host and port
    size_bytes: int

    @property
    def data(self) -> Path:
        """The data directory; it must not be started, only copied."""
        return self.scratch.path / "data"

    def remove(self) -> None:
        """Delete it."""
        self.scratch.remove()


class Server:
    """A running server, adopted (`adopt`) or of our own (`start_copy`)."""

    def __init__(self, programs: Programs, admin: str, scratch: ScratchDirectory | None = None) -> None:
        self.programs = programs
        self.admin = admin
        self._scratch = scratch
        self._child: Child | None = None

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(str(conninfo_to_dict(self.admin)["port"]))

    @property
    def account(self) -> str:
        """The superuser's connection string without host and port."""
        parts = {name: value for name, value in conninfo_to_dict(self.admin).items() if name not in ("host", "port")}
        return make_conninfo("", **parts)

    @property
    def password(self) -> str:
        """The superuser's password."""
        return str(conninfo_to_dict(self.admin)["password"])

    def ask(self, query: str) -> object:
        """Return the first value of a query's answer. Raises psycopg.Error."""
        with psycopg.connect(self.admin, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
        """Run a statement that answers nothing. Raises psycopg.Error."""
        with psycopg.connect(self.admin, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)

    def start_child(self, options: dict[str, str]) -> None:
        """Start our own copy and wait until it answers. Raises ChildFailed."""
        assert self._scratch is not None
        settings = [f"--{name}={value}" for name, value in {**OWN_OPTIONS, **options, "port": str(self.port)}.items()]
        self._child = Child(
            f"PostgreSQL on {self.port}",
            [str(self.programs.bindir / "postgres"), "-D", str(self._scratch.path / "data"), *settings],
            log_path=self._scratch.path / "postgres.log",
            cwd=self._scratch.path,
            run_as=self.programs.run_as,
            stop_signal=signal.SIGQUIT,
        )
        self._child.start()
        self._child.wait_until(self.answers, "answering", START_DEADLINE_S)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            return self.ask("SELECT 1") == 1
        except psycopg.OperationalError:
            return False

    def wait_for(self, query: str) -> None:
        """Wait until the query's first value is true. Raises ChildFailed when our own copy ends before."""
        if self._child is not None:
            self._child.wait_until(lambda: self._is_true(query), query, START_DEADLINE_S)
            return
        deadline = time.monotonic() + START_DEADLINE_S
        while not self._is_true(query):
            if time.monotonic() > deadline:
                raise ServerFailed(f"not within {START_DEADLINE_S:g} s: {query}")
            time.sleep(POLL_S)

    def crash(self) -> None:
        """End every connection as a failover does: the server recovers on the same address by itself."""
        pid = self.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        if isinstance(pid, int):
            os.kill(pid, signal.SIGKILL)
        self.wait_for("SELECT true")

    @property
    def is_ours(self) -> bool:
        """Whether it is a process of the cloud; an adopted one is somebody else's."""
        return self._child is not None

    def halt(self) -> None:
        """Stop our own copy; its data stays."""
        if self._child is not None:
            self._child.stop()

    def go_on(self) -> None:
        """Start our own copy again. Raises ChildFailed."""
        if self._child is not None:
            self._child.start()
            self._child.wait_until(self.answers, "answering", START_DEADLINE_S)

    def promote(self) -> None:
        """Make a standby writable. Raises psycopg.Error."""
        self.ask("SELECT pg_promote(wait => true)")
        self.wait_for(PROMOTED)

    def replica_lag_s(self) -> float:
        """Return how far a standby is behind, -1 when nobody can know because it receives nothing."""
        try:
            lag_s = self.ask(LAG)
        except psycopg.OperationalError:
            return -1.0
        return float(str(lag_s)) if lag_s is not None else -1.0

    def back_up(self, *, as_standby: bool = False) -> BaseBackup:
        """Copy the whole server as it is now. Raises ServerFailed."""
        scratch = self.programs.make_directory("rds-backup")
        address = ["-h", HOST, "-p", str(self.port), "-U", str(conninfo_to_dict(self.admin)["user"])]
        options = ["-X", "stream", "-c", "fast", "--no-sync", *(["-R"] if as_standby else [])]
        program = self.programs.bindir / "pg_basebackup"
        try:
            self.programs.run(program, "-D", scratch.path / "data", *address, *options, password=self.password)
        except ServerFailed:
            scratch.remove()
            raise
        size_bytes = sum(path.stat().st_size for path in scratch.path.rglob("*") if path.is_file())
        return BaseBackup(scratch, self.programs, self.account, size_bytes)

    def stop(self) -> None:
        """Stop our own copy and delete it; an adopted server goes on."""
        if self._child is not None:
            self._child.stop()
        if self._scratch is not None:
            self._scratch.remove()

    def log_tail(self) -> str:
        """Return the end of our own copy's log."""
        return self._child.log_tail() if self._child else ""

    def _is_true(self, query: str) -> bool:
        try:
            return bool(self.ask(query))
        except psycopg.OperationalError:
            return False


def start_copy(backup: BaseBackup, options: dict[str, str], *, recover: bool = False) -> Server:
    """Start a server on a copy of a base backup. Raises ServerFailed and ChildFailed, leaving nothing behind.

    `recover`: replay WAL that `options` tell it to fetch, until their target, then become writable.
    """
    scratch = backup.programs.make_directory("rds-instance")
    server = Server(backup.programs, make_conninfo(backup.account, host=HOST, port=free_port()), scratch)
    try:
        backup.programs.run("cp", "-a", backup.data, scratch.path / "data")
        if recover:
            backup.programs.run("touch", scratch.path / "data" / "recovery.signal")
        server.start_child(options)
        if recover:
            server.wait_for(PROMOTED)
    except BaseException:
        server.stop()
        raise
    return server


def start_replica(source: Server) -> Server:
    """Start a streaming standby of a server. Raises ServerFailed and ChildFailed."""
    backup = source.back_up(as_standby=True)
    try:
        return start_copy(backup, {})
    finally:
        backup.remove()


def have_programs(bindir: Path) -> bool:
    """Whether a directory has what base backups and continuous archiving need."""
    return all(shutil.which(program, path=str(bindir)) for program in ("postgres", "pg_basebackup", "pg_receivewal"))
