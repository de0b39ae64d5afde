"""Runs a workspace in this process, on a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn

from bot.sandbox.workspace.connections import CuttableProtocol
from bot.sandbox.workspace.workspace import Workspace

_START_S = 20.0


@contextlib.contextmanager
def serve(workspace: Workspace, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve until the block ends; yields the base URL. `port` 0 takes a free one.

    RuntimeError when the server does not come up.
    """
    listening = socket.create_server((host, port))
    workspace.base_url = f"http://{host}:{listening.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(
            workspace.app,
            http=CuttableProtocol,
            ws="websockets-sansio",
            loop="asyncio",
            lifespan="on",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="workspace", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield workspace.base_url
    finally:
        if workspace.loop is not None:
            workspace.loop.call_soon_threadsafe(workspace.stop)
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the workspace did not start")
        time.sleep(0.005)
