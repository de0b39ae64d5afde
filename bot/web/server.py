"""The web application: `/healthz`, `/readyz`, `/alerts/{source}`, `/incidents`, and `/slack/events` in HTTP mode."""

from __future__ import annotations

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

from bot.services import Services
from bot.store import ledger
from bot.web.alerts import alert_routes
from bot.web.incidents import incident_routes
from bot.web.slack_events import slack_routes


def build_web(services: Services, bolt: App | None) -> Starlette:
    """`bolt` is given in HTTP mode only."""

    async def healthz(_request: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        """It can keep what it is told: its own store answers. `troubles` are workflows that ended in an error."""
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
    """Serve on a thread of its own; gives the port, chosen by the system where 0 is asked for."""
    server = uvicorn.Server(uvicorn.Config(web, host=host, port=port, log_level="warning", lifespan="off"))
    socket = server.config.bind_socket()
    socket.listen()  # who comes before the thread is up waits, and is not refused
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, name="web", daemon=True)
    thread.start()
    try:
        yield socket.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        socket.close()


def _touch_store(services: Services) -> list[str]:
    with services.database.read() as session:
        ledger.read_head(session)
    return services.engine.troubles()
