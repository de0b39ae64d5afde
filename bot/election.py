"""Which process runs workflows: the one that holds the lock, until it dies or can no longer prove that it does."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from bot.store.database import LOST_AFTER, Database

log = logging.getLogger(__name__)

LEADER_LOCK = 4_915_110_002
HEARTBEAT_S = 1.0
HEARTBEAT_LIMIT_S = 10.0
RETRY_S = 0.25


class LeaderLock:
    """A blocking lock file beside SQLite; an advisory lock on a connection of its own on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._file: int | None = None
        self._connection: sa.Connection | None = None

    def acquire(self, *, wait: bool, stop: threading.Event) -> bool:
        """Take it; with `wait` as soon as nobody else holds it, and also once a store that is away is back."""
        attempt = self._try_file if self.database.file else self._try_advisory
        while not attempt():
            if not wait or stop.wait(RETRY_S):
                return False
        return True

    def release(self) -> None:
        """Give it up; once more does nothing."""
        if self._file is not None:
            os.close(self._file)
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
        self._file = self._connection = None

    def watch(self, stop: threading.Event, on_lost: Callable[[], None]) -> None:
        """A heartbeat each second; any error, or none that succeeds for ten seconds, is the end."""
        while not stop.wait(HEARTBEAT_S):
            guard = threading.Timer(HEARTBEAT_LIMIT_S, on_lost)
            guard.daemon = True
            guard.start()
            try:
                self._prove()
            except (sa.exc.SQLAlchemyError, OSError):
                if not stop.is_set():  # else it was given up
                    on_lost()
                return
            finally:
                guard.cancel()

    def _prove(self) -> None:
        """Raises where the lock may be somebody else's: a file that was removed or replaced keeps nobody out."""
        if self._connection is not None:
            self._connection.execute(sa.text("SELECT 1"))
        elif self._file is not None and not os.path.samestat(os.fstat(self._file), self._path.stat()):
            raise FileNotFoundError(f"{self._path} is another file than the one that is locked")

    @property
    def _path(self) -> Path:
        return Path(f"{self.database.file}.leader")

    def _try_file(self) -> bool:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._file = handle
        return True

    def _try_advisory(self) -> bool:
        try:
            if self._connection is None:
                self._connection = _connect(self.database)
            query = sa.select(sa.func.pg_try_advisory_lock(LEADER_LOCK))
            return bool(self._connection.execute(query).scalar())
        except sa.exc.SQLAlchemyError:
            log.warning("the store does not answer; standing for election again soon")
            self.release()
            self._connection = None
            return False


def _connect(database: Database) -> sa.Connection:
    """A direct connection that notices a dead network, outside the pool."""
    engine = sa.create_engine(
        database.url,
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"tcp_user_timeout": 8000, "connect_timeout": 5},
    )
    connection = engine.connect()
    for setting in LOST_AFTER:
        connection.exec_driver_sql(f"SET {setting}")
    return connection
