"""Child processes that never outlive us, not even when we are killed with SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

LIFELINE = Path(__file__).with_name("lifeline.py")
PACKAGE_ROOT = Path(__file__).parents[2]
# A rehearsal must not inherit the credentials of the person who starts it.
REAL_WORLD = ("AWS_", "PG", "SLACK_", "HOLDFAST_", "PRODUCTION_")
POLL_INTERVAL_S = 0.02
RESTART_PAUSE_S = 0.5


class ChildFailed(RuntimeError):
    """A child process ended or did not get ready; the message ends with the tail of its log."""


@dataclass(frozen=True)
class OsUser:
    """An operating system account that a child runs as."""

    name: str
    uid: int
    gid: int


class Child:
    """One child process in its own process group, with its output in a log file.

    It dies with us: the kernel sends `stop_signal` when the *thread* that started it ends, hence each child
    has a thread of its own that starts it, waits for it and, with `restart`, starts it again after it ended
    by itself.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        run_as: OsUser | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        restart: bool = False,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.log_path = log_path
        self.restart = restart
        self.starts = 0
        self._env = dict(os.environ if env is None else env)
        self._cwd = cwd
        self._run_as = run_as
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def pid(self) -> int | None:
        """Process id of the running program, None when it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def running(self) -> bool:
        """Whether the program runs now."""
        return self.pid is not None

    def start(self) -> None:
        """Start the program unless it runs; returns as soon as the process exists. Raises ChildFailed."""
        if self._keeper is not None and self._keeper.is_alive():
            return
        self._stopping.clear()
        started = threading.Event()
        self._process = None
        self._keeper = threading.Thread(target=self._keep, args=(started,), name=f"child {self.name}", daemon=True)
        self._keeper.start()
        started.wait()
        if self._process is None:
            raise ChildFailed(f"{self.name} could not be started: {' '.join(self.argv)}")

    def stop(self, grace_s: float = 5.0) -> None:
        """End the program: `stop_signal` first, SIGKILL to its whole group after `grace_s` seconds."""
        self._end(self._stop_signal, grace_s)

    def kill(self) -> None:
        """End the program's whole group with SIGKILL, for good: `restart` does not bring it back."""
        self._end(signal.SIGKILL, 5.0)

    def crash(self) -> None:
        """Send SIGKILL as an accident would: with `restart`, the program comes back by itself."""
        self.send(signal.SIGKILL)

    def send(self, sig: signal.Signals) -> None:
        """Send a signal to the program; nothing happens when it does not run."""
        if self._process is not None:
            self._process.send_signal(sig)

    def log_tail(self, max_bytes: int = 4000) -> str:
        """Return the last bytes of the log, starting at a whole line."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - max_bytes))
            tail = log.read().decode(errors="replace")
        return tail.partition("\n")[2] if size > max_bytes else tail

    def wait_until(self, condition: Callable[[], bool], what: str, deadline_s: float) -> None:
        """Return once `condition()` holds. Raises ChildFailed if the program ends or the deadline passes."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            if not self.running and not self.restart:
                status = self._process.returncode if self._process else None
                raise self._failure(f"{self.name} ended with status {status} before {what}")
            if time.monotonic() > deadline:
                raise self._failure(f"{self.name}: not {what} within {deadline_s:g} s")
            time.sleep(POLL_INTERVAL_S)

    def _failure(self, sentence: str) -> ChildFailed:
        return ChildFailed(f"{sentence}. Its log ({self.log_path}) ends with:\n{self.log_tail()}")

    def _keep(self, started: threading.Event) -> None:
        try:
            process = self._process = self._spawn()
        finally:
            started.set()
        while True:
            process.wait()
            _kill_group(process.pid)
            if not self.restart or self._stopping.wait(RESTART_PAUSE_S):
                return
            process = self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        uid, gid = (self._run_as.uid, self._run_as.gid) if self._run_as else (-1, -1)
        tie = [str(os.getpid()), str(int(self._stop_signal)), str(uid), str(gid)]
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(LIFELINE), *tie, *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                process_group=0,
            )

    def _end(self, sig: signal.Signals, grace_s: float) -> None:
        self._stopping.set()
        if self._keeper is None:
            return
        self.send(sig)
        self._keeper.join(grace_s)
        if self._keeper.is_alive() and self._process is not None:
            _kill_group(self._process.pid)
            self._keeper.join(grace_s)


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the argument list that runs a module of this package with this Python."""
    return [sys.executable, "-m", module, *arguments]


def module_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return our environment plus `extra`, less whatever leads to the real world.

    This package is importable from any working directory.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(REAL_WORLD)}
    path = os.pathsep.join(filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1,localhost", **extra}


def http_answers(url: str, timeout_s: float = 1.0) -> bool:
    """Whether the URL answers with a status below 400."""
    try:
        return get_local(url, timeout_s).ok
    except requests.RequestException:
        return False


def get_local(url: str, timeout_s: float) -> requests.Response:
    """Send a GET to a server on this machine, past any proxy. Raises requests.RequestException."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=timeout_s)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM of a group that only holds zombies
        return
