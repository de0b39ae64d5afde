"""Clients of the stage's database that hang about: in a long query, in an open transaction, behind a lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString

import psycopg

from bot.sandbox.postgres_cluster import APPLICATION_ROLE
from bot.sandbox.stage import DATABASE
from bot.systems.queries import RunningQuery, list_queries
from tests.crash.rig import look_closely
from tests.stage_fixtures import SharedStage


class Client:
    """One connection and what it is doing, in a thread of its own."""

    def __init__(self, shared: SharedStage, application: str, role: str = APPLICATION_ROLE) -> None:
        url = shared.stage.cluster.url(DATABASE, role=role)
        self.connection = psycopg.connect(url, autocommit=True, application_name=application)
        self.shared, self.pid = shared, self.connection.info.backend_pid
        self.answered = False
        self._asking: threading.Thread | None = None

    def ask(self, statement: LiteralString) -> None:
        """Without waiting for the answer; returns when the server is at it."""
        self._asking = threading.Thread(target=self._ask, args=(statement,))
        self._asking.start()
        look_closely(lambda: self.find() is not None, "the query")

    def ask_another(self) -> None:
        """What it was at ends, and the same session is at something else."""
        self.connection.cancel()
        self.finish()
        self.ask("SELECT pg_sleep(600), 'another'")

    def find(self) -> RunningQuery | None:
        """What it is at, as the server sees it."""
        with self.shared.admin() as connection:
            return next((one for one in list_queries(connection) if one.pid == self.pid), None)

    def wait_until_older(self, than_s: float) -> RunningQuery:
        """What it is at, once that has lasted for so long."""
        look_closely(lambda: (found := self.find()) is not None and found.seconds > than_s, "an older query")
        found = self.find()
        assert found is not None
        return found

    def is_connected(self) -> bool:
        with self.shared.admin() as connection:
            query = "SELECT FROM pg_stat_activity WHERE pid = %s"
            return connection.execute(query, (self.pid,)).fetchone() is not None

    def finish(self) -> bool:
        """Wait for what it asked; whether it was answered."""
        if self._asking is not None:
            self._asking.join(30)
            assert not self._asking.is_alive(), "the query never ended"
        return self.answered

    def close(self) -> None:
        with self.shared.admin() as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (self.pid,))
        self.finish()
        self.connection.close()

    def _ask(self, statement: LiteralString) -> None:
        self.answered = False
        with suppress(psycopg.Error):
            self.connection.execute(statement)
            self.answered = True


@contextmanager
def connected(shared: SharedStage, application: str, role: str = APPLICATION_ROLE) -> Iterator[Client]:
    """One that does nothing yet."""
    client = Client(shared, application, role)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def running(shared: SharedStage, application: str, role: str = APPLICATION_ROLE) -> Iterator[Client]:
    """One in a query that takes ten minutes and has something secret in it."""
    with connected(shared, application, role) as client:
        client.ask("SELECT pg_sleep(600), 'geheim'")
        yield client


@contextmanager
def idle_in_transaction(shared: SharedStage, application: str, statement: LiteralString) -> Iterator[Client]:
    """One that has forgotten to commit."""
    with connected(shared, application) as client:
        client.connection.execute("BEGIN")
        client.connection.execute(statement)
        look_closely(lambda: client.find() is not None, "the transaction")
        yield client


def count_log_lines(shared: SharedStage, text: str) -> int:
    """How often the server's log says something."""
    return shared.stage.cluster.log_path.read_text(encoding="utf-8", errors="replace").count(text)
