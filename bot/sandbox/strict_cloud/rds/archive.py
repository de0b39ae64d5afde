"""Continuous backups of an instance: an automatic base backup, and all WAL since, as it is written.

`pg_receivewal` streams the WAL, so nothing has to be configured on the server that is backed up. A restore replays it
on a copy of the base backup up to the commit before the wanted time: what RDS does, only with one base backup.
"""

from __future__ import annotations

import math
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bot.sandbox.children import Child, ChildFailed
from bot.sandbox.strict_cloud.rds.server import HOST, BaseBackup, Server, start_copy

ENDED_EARLY = "recovery ended before configured recovery target was reached"
RECEIVED = (
    "SELECT coalesce(bool_or(write_lsn >= '{lsn}'), false) FROM pg_stat_replication WHERE application_name = '{name}'"
)


class Archive:
    """Base backup and WAL of one server, from `earliest` (UTC) on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._name = f"archive_{server.port}"
        self._scratch = server.programs.make_directory("rds-wal")
        self._receiver = self._make_receiver()
        server.execute(
            sql.SQL("ALTER SYSTEM SET wal_keep_size = '128MB'")
        )  # so that a crash of the server leaves no gap
        server.ask("SELECT pg_reload_conf()")
        self._receiver.start()
        try:
            self.base: BaseBackup = server.back_up()
        except BaseException:
            self._receiver.stop()
            self._scratch.remove()
            raise
        self.earliest = datetime.fromtimestamp(math.ceil(time.time()), UTC)
        time.sleep(max(0.0, self.earliest.timestamp() - time.time()))  # RDS counts in whole seconds, none in the future

    def latest(self, lag_s: float) -> datetime:
        """Return the latest restorable time: whole seconds, UTC, `lag_s` behind."""
        return max(self.earliest, (datetime.now(UTC) - timedelta(seconds=lag_s)).replace(microsecond=0))

    def restore(self, at: datetime) -> Server:
        """Start a server with all that was committed until `at`. Raises ServerFailed, ChildFailed, psycopg.Error."""
        self._receive_everything()
        command = f'cp {self._wal}/%f "%p" 2>/dev/null || cp {self._wal}/%f.partial "%p" 2>/dev/null'
        options = {"restore_command": command, "recovery_target_action": "promote"}
        target = {"recovery_target_time": at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")}
        try:
            return start_copy(self.base, {**options, **target}, recover=True)
        except ChildFailed as error:
            if ENDED_EARLY not in str(error):
                raise
            return start_copy(self.base, options, recover=True)  # nothing was committed after `at`: all of it is wanted

    def remove(self) -> None:
        """Stop receiving and delete everything."""
        self._receiver.stop()
        self.base.remove()
        self._scratch.remove()

    def _receive_everything(self) -> None:
        """Wait until a commit of just now has been received; a server that is down has nothing more to send."""
        try:
            self._server.ask("SELECT pg_current_xact_id()")  # a commit later than any restorable time
            lsn = self._server.ask("SELECT pg_current_wal_flush_lsn()")
        except psycopg.OperationalError:
            return
        self._server.wait_for(RECEIVED.format(lsn=lsn, name=self._name))

    @property
    def _wal(self) -> Path:
        return self._scratch.path

    def _make_receiver(self) -> Child:
        parts = conninfo_to_dict(self._server.admin)
        target = f"host={HOST} port={self._server.port} user={parts['user']} application_name={self._name}"
        program = self._server.programs.bindir / "pg_receivewal"
        return Child(
            f"pg_receivewal of {self._server.port}",
            [str(program), "-D", str(self._wal), "-d", target, "--no-loop", "--status-interval=1"],
            log_path=self._wal / "receivewal.log",
            env={"PGPASSWORD": self._server.password},
            cwd=self._wal,
            run_as=self._server.programs.run_as,
            stop_signal=signal.SIGINT,
            restart=True,  # a failover ends it; it goes on where it stopped
        )
