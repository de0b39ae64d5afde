"""Live news for the browsers: one queue for each open stream."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from bot.sandbox.workspace.vendor import Json

_QUEUE_SIZE = 5_000


class Hub:
    """Sends events to the streams that people have open."""

    def __init__(self) -> None:
        self._streams: dict[asyncio.Queue[Json | None], str] = {}

    def open(self, user: str) -> asyncio.Queue[Json | None]:
        """A new stream for this user; None in it means that the server is going away."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue(_QUEUE_SIZE)
        self._streams[queue] = user
        return queue

    def close(self, queue: asyncio.Queue[Json | None]) -> None:
        """Forget a stream."""
        self._streams.pop(queue, None)

    def close_all(self) -> None:
        """Tell every stream to end."""
        for queue in list(self._streams):
            self._put(queue, None)

    def watching(self) -> set[str]:
        """The users who have a page open."""
        return set(self._streams.values())

    def publish(self, event: Json, users: Collection[str] | None = None) -> None:
        """Send an event to these users' streams, or to everybody's."""
        for queue, user in list(self._streams.items()):
            if users is None or user in users:
                self._put(queue, event)

    def _put(self, queue: asyncio.Queue[Json | None], event: Json | None) -> None:
        try:
            queue.put_nowait(event)
        except asyncio.QueueFull:
            # A page that reads nothing for this long boots again when it reconnects.
            self.close(queue)
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)
