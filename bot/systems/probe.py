"""A client that looks all the time, so that downtime is what a client saw and not what we believe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import psycopg
import requests

ATTEMPT_TIMEOUT_S = 5


@dataclass(frozen=True)
class Outage:
    """A time without a good answer: from the last good one before it to the first after it, UTC.

    `ended_at` is None while it lasts. `reason` is what the first failed attempt said.
    """

    began_at: datetime
    ended_at: datetime | None
    reason: str

    @property
    def duration_s(self) -> float:
        """Seconds, until now for one that lasts."""
        return ((self.ended_at or datetime.now(UTC)) - self.began_at).total_seconds()


@dataclass(frozen=True)
class Observation:
    """What a probe saw. `longest_gap_s` counts slow answers too, so it may be longer than every outage."""

    attempts: int
    failures: int
    longest_gap_s: float
    outages: tuple[Outage, ...]


@dataclass
class _Record:
    attempts: int = 0
    failures: int = 0
    longest_gap_s: float = 0.0
    good_at_s: float | None = None
    failing_because: str | None = None
    outages: list[Outage] = field(default_factory=list)


class Probe:
    """Calls `attempt` again and again in a thread of its own; what it raises of `expected` is a failed attempt.

    Use as a context manager around whatever may interrupt clients. Gaps count between the ends of good attempts.
    """

    def __init__(
        self,
        attempt: Callable[[], None],
        *,
        expected: type[Exception] | tuple[type[Exception], ...],
        every_s: float = 0.01,
    ) -> None:
        self._attempt, self._expected, self._every_s = attempt, expected, every_s
        self._record, self._lock, self._stop = _Record(), threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self._answered = threading.Event()

    def observe(self) -> Observation:
        """What has been seen until now; a gap that lasts counts up to now."""
        with self._lock:
            seen, now_s = self._record, time.monotonic()
            lasting_s = 0.0 if seen.good_at_s is None else now_s - seen.good_at_s
            outages = list(seen.outages)
            if seen.failing_because is not None:
                outages.append(Outage(_ago(lasting_s), None, seen.failing_because))
            return Observation(seen.attempts, seen.failures, max(seen.longest_gap_s, lasting_s), tuple(outages))

    def wait_until_good(self, timeout_s: float) -> bool:
        """Wait for the next good answer; whether there was one in time."""
        self._answered.clear()
        return self._answered.wait(timeout_s)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._attempt()
            except self._expected as error:
                self._note_failure(str(error))
            else:
                self._note_success()

    def _note_failure(self, reason: str) -> None:
        with self._lock:
            self._record.attempts += 1
            self._record.failures += 1
            self._record.failing_because = self._record.failing_because or reason or "no reason given"

    def _note_success(self) -> None:
        with self._lock:
            seen, now_s = self._record, time.monotonic()
            gap_s = 0.0 if seen.good_at_s is None else now_s - seen.good_at_s
            seen.attempts += 1
            seen.longest_gap_s = max(seen.longest_gap_s, gap_s)
            if seen.failing_because is not None:
                seen.outages.append(Outage(_ago(gap_s), datetime.now(UTC), seen.failing_because))
            seen.good_at_s, seen.failing_because = now_s, None
        self._answered.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def probe_database(url: str, *, every_s: float = 0.01) -> Probe:
    """A probe that opens a new connection and asks for one row each time."""

    def ask() -> None:
        with psycopg.connect(url, connect_timeout=ATTEMPT_TIMEOUT_S, application_name="holdfast: probe") as connection:
            connection.execute("SELECT 1")

    return Probe(ask, expected=psycopg.OperationalError, every_s=every_s)


def probe_health(url: str, *, every_s: float = 0.1) -> Probe:
    """A probe that asks an HTTP health address each time; anything but a 2xx status is a failure."""

    def ask() -> None:
        answer = requests.get(url, timeout=ATTEMPT_TIMEOUT_S, allow_redirects=False)
        if answer.status_code // 100 != 2:
            raise requests.HTTPError(f"status {answer.status_code}", response=answer)

    return Probe(ask, expected=requests.RequestException, every_s=every_s)


def _ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)
