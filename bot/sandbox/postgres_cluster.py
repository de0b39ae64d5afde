"""A throw-away PostgreSQL server on loopback, without root and without touching one that is installed."""

from __future__ import annotations

import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from bot.sandbox.children import Child, OsUser
from bot.sandbox.ports import free_port
from bot.sandbox.postgres_binaries import PostgresBinaries, copy_binaries, find_binaries
from bot.sandbox.scratch import ScratchDirectory

SUPERUSER = "postgres"
APPLICATION_ROLE = "traitortrack"
RECOVERY_ROLE = "holdfast"
START_DEADLINE_S = 30.0
LOCALES = ("C.UTF-8", "C")  # the second where the system has no first: older macOS
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "fsync": "off",  # everything here is thrown away; kill -9 loses nothing by it, only power failure would
}


class ClusterFailed(RuntimeError):
    """The PostgreSQL server could not be created; the message holds what initdb said."""


class Cluster:
    """A server with a superuser, the application's role and the bot's recovery role; passwords are random.

    `traitortrack` owns databases and may create them. `holdfast` is a member of it and of pg_signal_backend,
    pg_monitor and pg_read_all_data, may create databases, take base backups and end a segment of the log; neither is
    a superuser.
    """

    def __init__(self, *, binaries: PostgresBinaries | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.binaries = binaries or find_binaries()
        self.port = free_port()
        self._settings = {**SETTINGS, "port": str(self.port), **(settings or {})}
        self._passwords = {role: secrets.token_urlsafe(16) for role in (SUPERUSER, APPLICATION_ROLE, RECOVERY_ROLE)}
        self._run_as = ordinary_user() if os.geteuid() == 0 else None
        self._scratch = ScratchDirectory("postgres")
        self.bindir = self._runnable_bindir()
        self._child = Child(
            "PostgreSQL",
            [str(self.bindir / "postgres"), "-D", str(self.data_directory)],
            log_path=self._scratch.path / "postgres.log",
            env=_plain_environment(),
            cwd=self._scratch.path,
            run_as=self._run_as,
            stop_signal=signal.SIGQUIT,  # "immediate": no checkpoint for data that is about to be deleted
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def data_directory(self) -> Path:
        """PostgreSQL's data directory."""
        return self._scratch.path / "data"

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._child.log_path

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster, None when it is down."""
        return self._child.pid

    @property
    def admin_url(self) -> str:
        """URL of the maintenance database for the superuser."""
        return self.url("postgres", role=SUPERUSER)

    def url(self, database: str, role: str = APPLICATION_ROLE) -> str:
        """Return the URL of a database for one of the three roles."""
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def start(self) -> None:
        """Start the server, creating it the first time, and wait until it takes connections."""
        fresh = not self.data_directory.exists()
        if fresh:
            self._create()
        self._child.start()
        self._child.wait_until(self._is_ready, "ready for connections", START_DEADLINE_S)
        if fresh:
            self._create_roles()

    def stop(self) -> None:
        """Stop the server at once and delete its data."""
        self._child.stop()
        self._scratch.remove()

    def kill(self) -> None:
        """Stop the server as a crash would, keeping its data; `start` recovers it from its log."""
        self._child.stop()

    def pause(self) -> None:
        """Freeze the postmaster: new connections hang, those that exist go on."""
        self._child.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self._child.send(signal.SIGCONT)

    def create_database(self, name: str, owner: str = APPLICATION_ROLE) -> None:
        """Create an empty database."""
        statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions in it; nothing happens when there is none."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def reset_passwords(self) -> None:
        """Give the roles the passwords that they began with."""
        with psycopg.connect(self.admin_url) as connection:
            for role in (APPLICATION_ROLE, RECOVERY_ROLE):
                change = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(change.format(sql.Identifier(role), self._passwords[role]))

    def _create(self) -> None:
        password_file = self._scratch.path / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._passwords[SUPERUSER])
        if self._run_as:
            os.chown(self._scratch.path, self._run_as.uid, self._run_as.gid)
            os.chown(password_file, self._run_as.uid, self._run_as.gid)
        self._initdb(password_file)
        password_file.unlink()
        with (self.data_directory / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in self._settings.items())

    def _initdb(self, password_file: Path) -> None:
        said = ""
        for locale in LOCALES:
            options = ["--auth=scram-sha-256", "--encoding=UTF8", f"--locale={locale}", "--no-sync"]
            account = ["-U", SUPERUSER, f"--pwfile={password_file}"]
            done = self._run([self.bindir / "initdb", "-D", self.data_directory, *account, *options])
            if done.returncode == 0:
                return
            said = done.stderr
            if "locale" not in said:
                break
        raise ClusterFailed(f"initdb failed:\n{said}")

    def _run(self, argv: list[str | Path]) -> subprocess.CompletedProcess[str]:
        who = self._run_as
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._scratch.path,
            env=_plain_environment(),
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=[] if who else None,
        )

    def _runnable_bindir(self) -> Path:
        """Return a directory of the programs that our user may run, copying them where it may not."""
        bindir = self.binaries.bindir
        try:
            self._run([bindir / "postgres", "-V"]).check_returncode()
        except PermissionError:
            return copy_binaries(self.binaries, self._scratch.path / "programs")
        return bindir

    def _is_ready(self) -> bool:
        """Read the postmaster's own word as pg_ctl does: pid on the first line, status on the eighth."""
        try:
            lines = (self.data_directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _create_roles(self) -> None:
        create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
        with psycopg.connect(self.admin_url) as connection:
            for role in (APPLICATION_ROLE, RECOVERY_ROLE):
                connection.execute(create.format(sql.Identifier(role), self._passwords[role]))
            connection.execute(
                sql.SQL("GRANT {}, pg_signal_backend, pg_monitor, pg_read_all_data TO {}").format(
                    sql.Identifier(APPLICATION_ROLE), sql.Identifier(RECOVERY_ROLE)
                )
            )
            connection.execute(sql.SQL("ALTER ROLE {} REPLICATION").format(sql.Identifier(RECOVERY_ROLE)))
            connection.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {}").format(sql.Identifier(RECOVERY_ROLE))
            )


def ordinary_user() -> OsUser:
    """Return the account to drop to when we are root: `postgres` where it exists, else `nobody`."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return OsUser(name, entry.pw_uid, entry.pw_gid)
    raise ClusterFailed("PostgreSQL refuses to run as root, and this machine has no user postgres or nobody")


def _plain_environment() -> dict[str, str]:
    """Return our environment without what would change the server's behaviour."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG", "LD_PRELOAD"))
    }
