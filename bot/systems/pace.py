"""Keeping requests to a service apart, where it takes only so many in a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Keeps requests apart; one for all that use the same key."""

    def __init__(
        self, spacing_s: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._spacing_s, self._clock, self._sleep = spacing_s, clock, sleep
        self._lock, self._next = threading.Lock(), clock()

    def wait(self) -> None:
        """At most as long as the spacing, unless several ask at once."""
        with self._lock:
            self._sleep(max(0.0, self._next - self._clock()))
            self._next = self._clock() + self._spacing_s
