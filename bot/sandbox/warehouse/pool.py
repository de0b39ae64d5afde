"""The application's few database connections; a dead one is replaced when it is next needed, not reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

Connection = psycopg.AsyncConnection[DictRow]
LIMITS = "-c statement_timeout=5000 -c lock_timeout=3000"  # milliseconds


@dataclass
class PoolCounts:
    """What `/pool_dashboard` shows."""

    size: int
    idle: int = 0
    in_use: int = 0
    opened: int = 0
    replaced: int = 0
    refused: int = 0


def first_line(error: psycopg.Error) -> str:
    """Return the error without libpq's hints, fit for one line of a log."""
    return str(error).partition("\n")[0]


class Pool:
    """At most `size` connections; each is asked whether it lives before it is lent."""

    def __init__(self, url: str, size: int = 5) -> None:
        self._url = url
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self.counts = PoolCounts(size)

    def dashboard(self) -> dict[str, int]:
        """Return the counters."""
        return {**asdict(self.counts), "idle": len(self._idle)}

    async def fetch(self, query: LiteralString, values: tuple[object, ...] = ()) -> list[dict[str, Any]]:
        """Run one statement in its own transaction and return its rows. Raises psycopg.Error."""
        async with self._lend() as connection:
            cursor = await connection.execute(query, values)
            return await cursor.fetchall() if cursor.description else []

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[Connection]:
        async with self._slots:
            connection = await self._take()
            self.counts.in_use += 1
            try:
                yield connection
            finally:
                self.counts.in_use -= 1
                if connection.pgconn.transaction_status == TransactionStatus.IDLE:
                    self._idle.append(connection)
                else:  # broken, or left in the middle of a statement by a client that went away
                    await connection.close()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.execute("SELECT 1")
            except psycopg.OperationalError:
                self.counts.replaced += 1
                await connection.close()
            else:
                return connection
        return await self._connect()

    async def _connect(self) -> Connection:
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=2,
                application_name="traitortrack",
                options=LIMITS,
                row_factory=dict_row,
            )
        except psycopg.OperationalError:
            self.counts.refused += 1
            raise
        self.counts.opened += 1
        return connection
