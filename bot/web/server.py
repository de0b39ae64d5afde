"""The web application: `/healthz`, `/readyz`, `/alerts/{source}`, `/incidents`, and `/slack/events` in HTTP mode."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import uvicorn
from slack_bolt import App
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.outcome import Failed
from bot.services import Services
from bot.store import ledger
from bot.web.alerts import alert_routes
from bot.web.incidents import incident_routes
from bot.web.slack_events import slack_routes

BACKLOG = 128
"""Connections that may wait until they are taken."""
ELSEWHERE = "Say --host and --port; port 0 takes a free one."


def build_web(services: Services, bolt: App | None) -> Starlette:
    """`bolt` is given in HTTP mode only."""

    async def healthz(_request: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        """It can keep what it is told: its own store answers. `troubles` are workflows that failed or hang."""
        try:
            troubles = await run_in_threadpool(_touch_store, services)
        except sa.exc.SQLAlchemyError as error:
            return JSONResponse({"status": "unavailable", "reason": type(error).__name__}, status_code=503)
        return JSONResponse({"status": "ok", "leader": services.engine.is_leader, "troubles": troubles})

    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        *alert_routes(services),
        *incident_routes(services),
    ]
    if bolt is not None:
        routes += slack_routes(bolt)
    return Starlette(routes=routes)


@contextmanager
def serve_web(web: Starlette, host: str, port: int) -> Iterator[int]:
    """Serve on a thread of its own; gives the port, chosen by the system where 0 is asked for. Raises `Failed`."""
    listening = _listen(host, port)  # who comes before the thread is up waits, and is not refused
    server = uvicorn.Server(uvicorn.Config(web, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="web", daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # Python adds the address, with its brackets
        raise Failed(f"Nothing can listen on {host}, port {port}: {reason}.", next_step=ELSEWHERE) from error


def _touch_store(services: Services) -> list[str]:
    with services.database.read() as session:
        ledger.read_head(session)
    return services.engine.troubles()
