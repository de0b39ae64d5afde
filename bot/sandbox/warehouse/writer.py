"""The warehouse at work: a few new bags every second, so that losing data means losing something."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from bot.sandbox.warehouse.pool import Pool, first_line

NEW_BAG = """
WITH received AS (
    INSERT INTO bag (bill_id, received_by, weight_grams, destination)
    SELECT (SELECT max(id) FROM bill), 2, 500 + (random() * 30000)::int, 'Rotterdam'
    RETURNING id
)
INSERT INTO bag_scan (bag_id, scanned_by, station) SELECT id, 2, 'dock A' FROM received
"""
log = logging.getLogger("traitortrack.writer")


@dataclass
class Writer:
    """Adds bags until cancelled; an outage of the database is logged and outlived."""

    pool: Pool
    bags_per_s: float
    written: int = 0
    failed: int = 0
    last_written_at: datetime | None = None

    async def run(self) -> None:
        """Write for ever."""
        while True:
            await self._write()
            await asyncio.sleep(1 / self.bags_per_s)

    async def _write(self) -> None:
        try:
            await self.pool.fetch(NEW_BAG)
        except psycopg.Error as error:
            self.failed += 1
            log.error("a new bag could not be stored: %s", first_line(error))  # noqa: TRY400 (operators read this)
        else:
            self.written += 1
            self.last_written_at = datetime.now(UTC)
