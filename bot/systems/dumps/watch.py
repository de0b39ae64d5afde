"""What the caller of a long operation sees of it, and how it stops one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from bot.systems.outcomes import SystemCancelled

Result = TypeVar("Result")


class Progress(Protocol):
    """Told now and then, from any thread but one at a time: the phase, and bytes done of bytes in all, if known."""

    def __call__(self, phase: str, done_bytes: int, total_bytes: int | None, /) -> None: ...


def ignore_progress(phase: str, done_bytes: int, total_bytes: int | None, /) -> None:
    """For callers who do not look."""


class Watch:
    """Counts bytes per phase, measures phases, and asks whether to go on. Shared by the threads of one operation."""

    def __init__(self, progress: Progress, cancelled: Callable[[], bool], *, every_s: float = 0.5) -> None:
        self._progress, self._cancelled, self._every_s = progress, cancelled, every_s
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._done: dict[str, int] = {}
        self._first: BaseException | None = None
        self._told_at = 0.0
        self.durations_s: dict[str, float] = {}

    def check(self) -> None:
        """Raises SystemCancelled when the caller wants to stop, or another thread of the operation has failed."""
        if self._failed.is_set() or self._cancelled():
            raise SystemCancelled("Stopped on request.")

    def guard(self, work: Callable[[], Result]) -> Result:
        """Do one thread's share. Its failure stops the other threads at their next check."""
        try:
            return work()
        except BaseException as error:
            # Kept for the thread that waits for all: what comes after the first failure is only its echo.
            with self._lock:
                self._first = self._first or error
            self._failed.set()
            raise

    def raise_first(self) -> None:
        """Raises what went wrong first in any guarded thread; nothing if nothing did."""
        if self._first is not None:
            raise self._first

    def count(self, phase: str, more_bytes: int, total_bytes: int | None = None) -> None:
        """Note that bytes were moved, tell the caller at most every half second, and check."""
        with self._lock:
            done = self._done[phase] = self._done.get(phase, 0) + more_bytes
            now = time.monotonic()
            if now - self._told_at >= self._every_s or done == total_bytes:
                self._told_at = now
                self._progress(phase, done, total_bytes)
        self.check()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure one phase; phases may overlap. Tells the caller at its beginning."""
        self.check()
        with self._lock:
            self._progress(name, self._done.get(name, 0), None)
        began = time.monotonic()
        yield
        self.durations_s[name] = round(time.monotonic() - began, 3)
