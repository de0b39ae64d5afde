"""A mail server on this machine, on a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiosmtpd.smtp import SMTP

START_S = 20.0


@contextmanager
def serve_smtp(make: Callable[[], SMTP], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve until the block ends; yields the port. `make` builds the protocol of one connection.

    `context`: TLS from the first byte. RuntimeError when the server does not come up.
    """
    loop, ports, stop = asyncio.new_event_loop(), list[int](), asyncio.Event()
    started = threading.Event()

    async def run() -> None:
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        started.set()
        await stop.wait()
        server.close()
        await _end_connections()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="smtp", daemon=True)
    thread.start()
    if not started.wait(START_S):
        raise RuntimeError("the mail server did not start")
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(START_S)
        loop.close()


async def _end_connections() -> None:
    """On the server's own thread: whoever stops it may be inside a loop of another's."""
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
