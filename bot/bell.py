"""The bell of the engine's queues: whoever enqueues rings, and their workers look at once."""

from __future__ import annotations

import threading
from collections import Counter

RECORDED_S = 0.02
"""Time in which DBOS has written down that a workflow ended."""


class Bell:
    """Wakes the worker of a queue, or of every queue; a ring between two waits is not missed."""

    def __init__(self, queues: tuple[str, ...]) -> None:
        self._queues = queues
        self._condition = threading.Condition()
        self._rings: Counter[str] = Counter()

    def ring(self, *queues: str) -> None:
        """For these queues; for every one where none is named."""
        with self._condition:
            self._rings.update(queues or self._queues)
            self._condition.notify_all()

    def ring_soon(self, *queues: str) -> None:
        """Once it is written down that a workflow ended."""
        timer = threading.Timer(RECORDED_S, self.ring, queues)
        timer.daemon = True
        timer.start()

    def wait(self, queue: str, heard: int, timeout_s: float | None) -> int:
        """Wait for a ring after the `heard` ones; how many there have been."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings[queue] != heard, timeout_s)
            return self._rings[queue]


class StopOrBell:
    """What the worker of a queue takes for its stop event; waiting on it ends at the bell as well."""

    def __init__(self, stop: threading.Event, bell: Bell, queue: str) -> None:
        self.is_set = stop.is_set
        self._bell = bell
        self._queue = queue
        self._heard = 0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, or for a ring; whether it is the end."""
        self._heard = self._bell.wait(self._queue, self._heard, timeout)
        return self.is_set()
