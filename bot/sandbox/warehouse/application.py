"""The application's routes: health, statistics and dashboards, and those of its neighbours."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.warehouse.bags import Bags, as_json
from bot.sandbox.warehouse.maintenance import Maintenance
from bot.sandbox.warehouse.pool import Pool, first_line
from bot.sandbox.warehouse.sessions import Sessions
from bot.sandbox.warehouse.writer import Writer

COUNTS = """
SELECT (SELECT count(*) FROM bag) AS total_bags, (SELECT count(*) FROM bill) AS total_bills,
       (SELECT count(*) FROM "user") AS total_users
"""
LAST_BAG = "SELECT id, tag, created_at FROM bag ORDER BY id DESC LIMIT 1"
log = logging.getLogger("traitortrack.web")


class Dashboards:
    """What an operator looks at."""

    def __init__(self, pool: Pool, writer: Writer) -> None:
        self._pool = pool
        self._writer = writer
        self._started = time.monotonic()

    async def health(self, request: Request) -> Response:
        """GET /health: 200 {"status": "ok"} when bags can be read, else 503 with the reason."""
        try:
            await self._pool.fetch("SELECT EXISTS (SELECT FROM bag)")
        except psycopg.Error as error:
            log.error("unhealthy: %s", first_line(error))  # noqa: TRY400 (operators read this)
            return JSONResponse({"status": "unavailable", "reason": first_line(error)}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def stats(self, request: Request) -> Response:
        """GET /api/stats: how many bags, bills and users there are, and the last bag."""
        counts = (await self._pool.fetch(COUNTS))[0]
        last = await self._pool.fetch(LAST_BAG)
        return JSONResponse({**counts, "last_bag": as_json(last[0]) if last else None})

    async def system_health(self, request: Request) -> Response:
        """GET /api/system_health: the database's answer time, what the writer does, since when we run."""
        started = time.perf_counter()
        rows = await self._pool.fetch("SELECT current_setting('server_version') AS version")
        writer = self._writer
        return JSONResponse(
            {
                "status": "ok",
                "uptime_s": round(time.monotonic() - self._started, 1),
                "database": {**rows[0], "answered_in_ms": round((time.perf_counter() - started) * 1000, 2)},
                "writer": {
                    "written": writer.written,
                    "failed": writer.failed,
                    "last_written_at": writer.last_written_at and writer.last_written_at.isoformat(),
                },
            }
        )

    async def pool_dashboard(self, request: Request) -> Response:
        """GET /pool_dashboard: the connection pool's counters."""
        return JSONResponse(self._pool.dashboard())


def build_application(
    database_url: str, *, bags_per_s: float, session_folder: Path | None = None, maintenance_file: Path | None = None
) -> Starlette:
    """Return the application; it starts without a database too. A rate of 0 writes no bags."""
    pool = Pool(database_url)
    writer = Writer(pool, bags_per_s)
    sessions = Sessions(pool, session_folder)
    dashboards, bags = Dashboards(pool, writer), Bags(pool, sessions)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        log.info("started")
        writing = asyncio.create_task(writer.run()) if bags_per_s else None
        yield
        if writing:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
        await pool.close()
        log.info("stopped")

    return Starlette(
        routes=[
            Route("/health", dashboards.health),
            Route("/login", sessions.log_in, methods=["POST"]),
            Route("/api/stats", dashboards.stats),
            Route("/api/system_health", dashboards.system_health),
            Route("/pool_dashboard", dashboards.pool_dashboard),
            Route("/api/bags", bags.search),
            Route("/api/bags", bags.create, methods=["POST"]),
            Route("/api/bags/{id:int}", bags.delete, methods=["DELETE"]),
        ],
        middleware=[Middleware(Maintenance, maintenance_file)],
        exception_handlers={psycopg.Error: _answer_database_error, HTTPException: _answer_http_error},
        lifespan=lifespan,
    )


async def _answer_database_error(request: Request, error: Exception) -> Response:
    """The surface's error boundary: the request's fault is 4xx, an outage 503, the rest 500."""
    assert isinstance(error, psycopg.Error)
    if isinstance(error, psycopg.errors.UniqueViolation):
        status = 409
    elif isinstance(error, (psycopg.errors.IntegrityError, psycopg.errors.DataError)):
        status = 422
    else:
        status = 503 if isinstance(error, psycopg.OperationalError) else 500
        log.error("%s %s: %s", request.method, request.url.path, first_line(error))
    return JSONResponse({"error": first_line(error)}, status_code=status)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code)
