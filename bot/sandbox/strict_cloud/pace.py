"""How long things take in the cloud, and its own clock, which can be stopped."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, fields


@dataclass
class Durations:
    """Durations in seconds, multiplied by `time_scale`, also when they have begun.

    Short enough for tests; AWS takes minutes for most of them.
    """

    time_scale: float = 1.0

    def change(self, changes: dict[str, float]) -> None:
        """Set some durations. Raises LookupError for a name that is none."""
        for name, value in changes.items():
            if name not in {entry.name for entry in fields(self)}:
                raise LookupError(f"there is no duration {name!r}")
            setattr(self, name, float(value))


@dataclass
class Pace(Durations):
    """How long things take in RDS; `restorable_lag_s` is not scaled."""

    creating_s: float = 0.6
    backing_up_s: float = 0.3
    before_modifying_s: float = 0.3  # "available" is still reported while a modification has not begun
    modifying_s: float = 0.6
    rebooting_s: float = 0.4
    failing_over_s: float = 0.6
    deleting_s: float = 0.4
    copying_snapshot_s: float = 0.5
    restorable_lag_s: float = 2.0  # how far LatestRestorableTime is behind; 300 in AWS
    zone_lag_s: float = 0.5  # how long the API names the old availability zone after a failover


class Clock:
    """Seconds since the cloud began, less the time for which it was stopped."""

    def __init__(self) -> None:
        self._stopped_at: float | None = None
        self._lost_s = time.monotonic()

    def elapsed_s(self) -> float:
        """Return the cloud's time in seconds."""
        return (self._stopped_at or time.monotonic()) - self._lost_s

    def pause(self) -> None:
        """Let nothing happen any more until `resume`."""
        self._stopped_at = self._stopped_at or time.monotonic()

    def resume(self) -> None:
        """Go on where the clock was stopped."""
        if self._stopped_at is not None:
            self._lost_s += time.monotonic() - self._stopped_at
            self._stopped_at = None


@dataclass
class Entry:
    """Something that happens `delay_s` after what was before it, and not before its `work` is done."""

    delay_s: float
    happen: Callable[[], None]
    work: Callable[[], object] | None = None
    begun: Future[object] | None = field(default=None, init=False)


class Agenda:
    """What is going to happen to one resource, in order.

    `failed` is called with the error when an entry's work fails; whatever was to come then does not.
    """

    def __init__(
        self, clock: Clock, pace: Durations, workers: Executor, failed: Callable[[BaseException], None]
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._workers = workers
        self._failed = failed
        self._entries: deque[Entry] = deque()
        self._since_s = 0.0

    def add(self, delay_s: float, happen: Callable[[], None], work: Callable[[], object] | None = None) -> None:
        """Append an entry; its work runs in a thread as soon as it is its turn."""
        self._entries.append(Entry(delay_s, happen, work))
        if len(self._entries) == 1:
            self._begin()

    def clear(self) -> None:
        """Forget what was to come; work that has begun goes on."""
        self._entries.clear()

    def advance(self) -> None:
        """Let happen what is due."""
        while self._entries and self._is_due(self._entries[0]):
            entry = self._entries.popleft()
            error = entry.begun.exception() if entry.begun else None
            if error is not None:
                self._entries.clear()
                self._failed(error)
                return
            entry.happen()
            self._begin()

    def _begin(self) -> None:
        self._since_s = self._clock.elapsed_s()
        if self._entries and self._entries[0].work is not None and self._entries[0].begun is None:
            self._entries[0].begun = self._workers.submit(self._entries[0].work)

    def _is_due(self, entry: Entry) -> bool:
        if entry.begun is not None and not entry.begun.done():
            return False
        return self._clock.elapsed_s() >= self._since_s + entry.delay_s * self._pace.time_scale


class Ticker:
    """Calls `tick` every 50 ms from a thread of its own, until the process ends."""

    INTERVAL_S = 0.05

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloud ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tick no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.INTERVAL_S):
            self._tick()
