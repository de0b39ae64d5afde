"""A restored server of our own: in one folder, reached only through a socket there, and gone when it is not needed.

It runs as an ordinary account and dies with us. It never archives anything, listens on no port, and has none of the
source's configuration: what stood there (an archive_command, say) must not act a second time.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from bot.systems.outcomes import SystemCancelled, SystemFailed, SystemRefused
from bot.systems.postgres import Connection
from bot.systems.processes import Child, ProcessFailed, capture
from bot.systems.wal.commits import Stop
from bot.systems.wal.programs import give_away, ordinary_account, start_as
from bot.systems.wal.segments import parse_history, show_position

SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 108 with the file's name
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._-]+")
LOOK_EVERY_S = 0.1
STOP_WITHIN_S = 30.0
# What a server in recovery needs at least as much of as the one whose log it reads; pg_controldata's words for them.
NEEDED_AS_IN_SOURCE = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "archive_mode": "off",
    "autovacuum": "off",
    "default_transaction_read_only": "on",
    "fsync": "off",  # a copy that is deleted afterwards; what the system lost in a crash is restored again
    "full_page_writes": "off",
    "hot_standby": "off",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_QUITE_GONE = re.compile(r'lock file "postmaster.pid" already exists|pre-existing shared memory block')
"""What a server refuses with while one that was killed with the bot that ran it, or a process of that, still ends."""
REPLAYED = re.compile(r'restored log file "([0-9A-F]{24})"')


class PlaceUnfit(SystemRefused):
    """The folder that was to hold the restored server cannot."""


class RecoveryFailed(SystemFailed):
    """The restored server did not come as far as the moment that was asked for. The live one was not touched."""


@dataclass(frozen=True)
class Reached:
    """How far a recovery came: why it stopped there, and when the last transaction before that ended (UTC).

    None where there was none, or where the server has been started again since.
    """

    timeline: int
    reason: str
    last_commit: datetime | None


@dataclass(frozen=True)
class SideCluster:
    """The files of one restored server. `superuser` is the role that initdb made, `bindir` its version's programs."""

    folder: Path
    bindir: Path
    superuser: str

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    @property
    def wal(self) -> Path:
        """Where the fetched log is."""
        return self.folder / "wal"

    @property
    def work(self) -> Path:
        """Room for what is copied out of it."""
        return self.folder / "work"

    def url(self, database: str) -> str:
        """Where it answers while it runs."""
        return make_conninfo(host=str(self.folder), port=5432, user=self.superuser, dbname=database)

    def make_folder(self) -> None:
        """Make the folder empty; what an earlier attempt of the same run left in it is removed first.

        Raises PlaceUnfit.
        """
        if not PLAIN_PATH.fullmatch(str(self.folder)) or len(os.fsencode(self.folder)) > SOCKET_PATH_LIMIT - 20:
            raise PlaceUnfit(
                f"{self.folder} is too long for a socket, or has signs in it that a server's configuration would "
                "read in its own way. Set HOLDFAST_RESTORE_FOLDER to a short, plain path. Nothing was changed."
            )
        self.remove()
        try:
            for path in (self.data, self.wal, self.work):
                path.mkdir(parents=True)
        except OSError as error:
            raise PlaceUnfit(
                f"{self.folder} cannot be made: {error.strerror}. Set HOLDFAST_RESTORE_FOLDER to a folder that "
                "belongs to the bot. Nothing was changed."
            ) from error

    def configure(self, stop: Stop) -> None:
        """Write its configuration: replay the fetched log up to where it is to stop, then open."""
        source = dict(line.partition(":")[::2] for line in self._read_control().splitlines())
        settings = {
            **SETTINGS,
            **{name: source[words].strip() for name, words in NEEDED_AS_IN_SOURCE.items() if words in source},
            "unix_socket_directories": str(self.folder),
            "restore_command": f'cp "{self.wal}/%f" "%p"',
            "recovery_target_timeline": "latest",
            "recovery_target_action": "promote",
            **_write_target(stop),
        }
        for name in ("postgresql.auto.conf", "standby.signal", "postmaster.pid"):
            (self.data / name).unlink(missing_ok=True)
        (self.data / "postgresql.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        (self.data / "pg_hba.conf").write_text("local all all trust\n")  # the folder lets only its owner and root in
        (self.data / "pg_ident.conf").write_text("")
        (self.data / "pg_wal").mkdir(exist_ok=True)
        (self.data / "recovery.signal").touch()
        give_away(self.folder, ordinary_account())
        self.data.chmod(0o700)

    @contextmanager
    def running(
        self,
        *,
        told: Callable[[str], None] = lambda words: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[None]:
        """The server, from when it takes connections to the end of the context; a recovery is done by then.

        Raises RecoveryFailed with what the server said, or SystemCancelled when it has stopped.
        """
        if not (self.data / "PG_VERSION").exists():
            raise RecoveryFailed(f"The restored server's files in {self.folder} are gone.", "", "Retry the run.")
        self._stop_stray()
        with ExitStack() as stack:
            child = self._start(stack, told, cancelled)
            try:
                yield
            except BaseException:
                _stop(child, signal.SIGQUIT)
                raise
            _stop(child, signal.SIGINT)  # in good order, so that it starts again at once

    def reached(self) -> Reached:
        """Where the recovery ended, by what the server wrote down. While it runs."""
        histories = sorted((self.data / "pg_wal").glob("*.history"))
        if not histories or (self.data / "recovery.signal").exists():
            raise RecoveryFailed("The restored server opened without having recovered to a moment.")
        switch = parse_history(histories[-1].read_text())[-1]
        with self.connect("postgres") as connection:
            row = connection.execute("SELECT pg_last_xact_replay_timestamp()").fetchone()
        last = row[0].astimezone(UTC) if row and row[0] else None
        return Reached(int(histories[-1].stem, 16), switch.reason, last)

    def connect(self, database: str) -> Connection:
        """A connection while it runs."""
        return psycopg.connect(self.url(database), autocommit=True, application_name="holdfast: restored server")

    def require(self, database: str) -> None:
        """See that a database was there at the moment, whole. While it runs. Raises RecoveryFailed.

        A DROP DATABASE takes the files away before it is committed: in between, what is left of it is no database.
        """
        try:
            self.connect(database).close()
        except psycopg.OperationalError as error:
            why = str(error).strip().splitlines()[0].rpartition("FATAL:")[2].strip()
            raise RecoveryFailed(
                f"There was no database {database} at that moment that could be used: {why}.",
                "The live database was not touched.",
                "Choose a moment at which it was there.",
            ) from error

    def remove(self) -> bool:
        """Stop what may run there and delete everything; whether there was something."""
        if not self.folder.exists():
            return False
        self._stop_stray()
        shutil.rmtree(self.folder)
        return True

    def _start(self, stack: ExitStack, told: Callable[[str], None], cancelled: Callable[[], bool]) -> Child:
        """Tried again while what was there before is not quite gone, which only PostgreSQL itself can tell."""
        deadline = time.monotonic() + STOP_WITHIN_S
        while True:
            with ExitStack() as attempt:
                child = attempt.enter_context(start_as(ordinary_account(), [self.bindir / "postgres", "-D", self.data]))
                try:
                    self._wait_until_open(child, told, cancelled)
                except RecoveryFailed as failure:
                    if time.monotonic() > deadline or not NOT_QUITE_GONE.search(failure.words):
                        raise
                    if cancelled():
                        raise SystemCancelled("Stopped on request.") from failure
                    continue
                except BaseException:
                    _stop(child, signal.SIGQUIT)
                    raise
                stack.push(attempt.pop_all())
                return child

    def _wait_until_open(self, child: Child, told: Callable[[str], None], cancelled: Callable[[], bool]) -> None:
        def look() -> None:
            with suppress(psycopg.OperationalError):
                self.connect("postgres").close()
                raise _Open
            if cancelled():
                raise SystemCancelled("Stopped on request.")
            replayed = REPLAYED.findall(child.said)
            if replayed:
                told(f"replayed up to {replayed[-1]}")

        try:
            child.finish(LOOK_EVERY_S, look)
        except _Open:
            return
        except ProcessFailed as failure:
            raise self._explain(failure.said) from failure
        raise self._explain(child.said)

    def _explain(self, said: str) -> RecoveryFailed:
        fatal = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line]
        why = fatal[-1].partition("FATAL:")[2].strip() if fatal else said[-300:]
        return RecoveryFailed(
            f"The restored server did not come up: {why or 'it said nothing'}.",
            "The live database was not touched.",
            "Choose another moment, or retry the run where the reason has been removed.",
        )

    def _read_control(self) -> str:
        return capture([self.bindir / "pg_controldata", self.data], environment={**os.environ, "LC_ALL": "C"})

    def _stop_stray(self) -> None:
        """End a server that outlived the bot that started it, where the system did not see to that."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        said = pid_file.read_text()
        if not said:  # cut off while it was written: a server takes such a file for that of another one
            pid_file.unlink()
            return
        pid = int(said.split("\n", 1)[0])
        if str(self.data) not in _arguments_of(pid):  # the number belongs to somebody else by now
            return
        command: list[str | Path] = [self.bindir / "pg_ctl", "stop", "-m", "immediate", "-D", self.data]
        with start_as(ordinary_account(), command) as stopper:
            stopper.finish()


def _write_target(stop: Stop) -> dict[str, str]:
    if stop.last is None:
        return {"recovery_target": "immediate"}
    return {"recovery_target_lsn": show_position(stop.last.position)}


class _Open(Exception):
    """The server takes connections: the end of waiting for it."""


class _Slow(Exception):
    """The server takes too long to end."""


def _stop(child: Child, how: signal.Signals) -> None:
    """End it and see it gone, with the processes that it has made; what takes too long is killed with its context."""
    deadline = time.monotonic() + STOP_WITHIN_S

    def look() -> None:
        if time.monotonic() > deadline:
            raise _Slow

    with suppress(ProcessLookupError, ProcessFailed, _Slow):
        os.kill(child.pid, how)
        child.finish(LOOK_EVERY_S / 4, look)


def _arguments_of(pid: int) -> str:
    """A process's command line; nothing where there is no such process."""
    process = Path(f"/proc/{pid}")
    try:
        if process.parent.is_dir():  # Linux, where a small image may lack ps
            return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
    try:
        return capture(["ps", "-o", "args=", "-p", str(pid)])
    except ProcessFailed:
        return ""
