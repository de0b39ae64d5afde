"""Opening the store: SQLite (WAL) by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

MIGRATION_LOCK = 4_915_110_001
"""Advisory lock that serialises migrations between replicas on PostgreSQL."""
WRITE_LOCK = 4_915_110_003
"""Advisory lock of whoever writes, on PostgreSQL."""
LOST_AFTER = (
    "tcp_keepalives_idle=5", "tcp_keepalives_interval=3", "tcp_keepalives_count=3",
    "idle_in_transaction_session_timeout=60000",  # milliseconds
)  # fmt: skip
"""The server ends the session of a process whose machine is gone within 15 s, and of one that hangs while it writes
within a minute; by itself it takes hours, and what the session had locked stays locked."""
STORE_TROUBLE = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""It does not answer, is full, or gave up in favour of another: nothing that whoever asked is to blame for, and no
outcome of any work. A workflow lets it through, and the engine runs it again."""
HAS_SUBSEC = (3, 42)
"""DBOS's schema says `unixepoch('subsec')`, which SQLite before this answers with NULL."""
BUSY_S = 30.0
"""How long one waits for another's writing before that is an error."""
SYNCHRONOUS = "FULL"
"""SQLite's word for: what is committed is on the disk, and no loss of power takes it back."""


class Database:
    """The bot's own database. It must be reachable when the recovered one is not."""

    def __init__(self, url: str) -> None:
        """`url`: an SQLAlchemy URL; plain `postgresql://` is served by psycopg."""
        self.url = _with_driver(url)
        self.engine = _create_engine(self.url)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path | None:
        """The database file on SQLite; None on PostgreSQL."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that commits at the end, or leaves nothing behind.

        Writers come one after another: what is read inside cannot change before it is written, and no two wait for
        one another. On SQLite that is its own way, though pysqlite by itself begins only at the first change.
        """
        begin = "BEGIN IMMEDIATE" if self.is_sqlite else f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.connection().exec_driver_sql(begin)
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for looking only; loaded rows stay usable after it is closed."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Like `read`, and every query inside sees the same moment, whatever others commit meanwhile."""
        with self.read() as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN DEFERRED")
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def close(self) -> None:
        self.engine.dispose()


class _Turns:
    """Threads of one process write into SQLite one after another, those of DBOS as well.

    SQLite by itself has whoever waits for another's writing look again after up to 100 ms.
    """

    READS = ("SELECT", "PRAGMA", "BEGIN DEFERRED")

    def __init__(self, engine: sa.Engine) -> None:
        self._turn = threading.Lock()
        sa.event.listen(engine, "before_cursor_execute", self._take)
        sa.event.listen(engine, "checkin", self._give)

    def _take(self, connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        """With the first statement that writes. Whoever waits too long goes ahead, and SQLite decides."""
        kept = connection.connection.record_info
        if kept is not None and not statement.lstrip().startswith(self.READS) and not kept.get("turn"):
            kept["turn"] = self._turn.acquire(timeout=BUSY_S)

    def _give(self, _connection: object, record: ConnectionPoolEntry) -> None:
        """When the connection is given back, which is after the commit."""
        kept = record.record_info
        if kept is not None and kept.pop("turn", False):
            self._turn.release()


def _with_driver(url: str) -> sa.URL:
    parsed = sa.make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _create_engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        keepalive = {"tcp_user_timeout": 8000, "connect_timeout": 5}
        engine = sa.create_engine(url, pool_pre_ping=True, pool_size=20, connect_args=keepalive)
        sa.event.listen(engine, "connect", _prepare_postgres)
        return engine
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, pool_size=20, pool_timeout=60)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    _Turns(engine)
    return engine


def _prepare_postgres(connection: Any, _record: object) -> None:
    connection.autocommit = True  # a setting that is made in a transaction goes with it where that is rolled back
    connection.execute("; ".join(f"SET {setting}" for setting in LOST_AFTER))
    connection.autocommit = False


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in (
        f"busy_timeout={BUSY_S * 1000:.0f}",
        "journal_mode=WAL",
        f"synchronous={SYNCHRONOUS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if sqlite3.sqlite_version_info < HAS_SUBSEC:
        connection.create_function("unixepoch", 1, lambda _modifier: int(time.time() * 1000) / 1000)
