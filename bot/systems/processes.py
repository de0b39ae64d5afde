"""Child processes that never outlive us, never fill our memory and never hide how they ended."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bot.systems.outcomes import SystemFailed
from bot.systems.row_values import hide_rows

# Asks the kernel to kill us with our parent (PR_SET_PDEATHSIG is 1, prctl(2)), unless that has died already, gives
# SIGPIPE its ordinary meaning back, which Python took, and becomes the command.
TRAMPOLINE = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])
"""
# What a pipe holds, where the system lets us say so (Linux): a child goes on writing while we work on what it wrote.
PIPE_BYTES = 1024 * 1024
STDERR_LINES = 60
LINE_CHARACTERS = 500


class ProcessFailed(SystemFailed):
    """A child ended with a status other than 0. The message carries the end of what it said, without values of rows."""

    def __init__(self, name: str, status: int, said: str) -> None:
        self.name, self.status, self.said = name, status, said
        super().__init__(f"{name} {_describe_status(status)}: {said or 'it said nothing'}")


class Child:
    """One child process in a process group of its own, killed with us; its stderr is read all the time.

    Use as a context manager: leaving it kills whatever still runs. `stdin` and `stdout` are pipes where asked for.
    Safe in threaded programs: the death signal is set by a small trampoline after the fork, not by `preexec_fn`.
    Linux binds that signal to the thread that started the child, so leave the context in the thread that entered it.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: bool = False,
        stdout: bool = False,
    ) -> None:
        self.name = Path(command[0]).name
        self._tail: deque[str] = deque(maxlen=STDERR_LINES)
        self._process = subprocess.Popen(
            [*_trampoline(), *map(str, command)],
            env=dict(os.environ if environment is None else environment),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _widen(pipe)
        self._reader = threading.Thread(target=self._read_stderr, name=f"stderr-{self.name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id, which is the process group's id too."""
        return self._process.pid

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe into the child. Only where asked for."""
        if self._process.stdin is None:
            raise ValueError(f"{self.name} was started without a pipe into it")
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe out of the child. Only where asked for."""
        if self._process.stdout is None:
            raise ValueError(f"{self.name} was started without a pipe out of it")
        return self._process.stdout

    @property
    def said(self) -> str:
        """The last lines of stderr, at most 60 lines of 500 characters."""
        return "\n".join(self._tail)

    def finish(self, poll_s: float = 0.2, check: Callable[[], None] = lambda: None) -> None:
        """Wait for the end, calling `check` every `poll_s` seconds (it may raise). Raises ProcessFailed."""
        while True:
            try:
                status = self._process.wait(poll_s)
                break
            except subprocess.TimeoutExpired:
                check()
        self._reader.join()
        if status != 0:
            raise ProcessFailed(self.name, status, hide_rows(self.said))

    def kill(self) -> None:
        """Kill the whole process group and wait until it is gone. Does nothing when it has ended already."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _read_stderr(self) -> None:
        stream = self._process.stderr
        if stream is None:
            return
        for line in iter(lambda: stream.readline(65536), b""):
            self._tail.append(line.decode("utf-8", "replace").rstrip()[:LINE_CHARACTERS])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                _close(pipe)


def capture(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Run a command to its end and return what it printed (UTF-8). Raises ProcessFailed."""
    with Child(command, environment=environment, stdout=True) as child:
        printed = child.stdout.read()
        child.finish(check=check)
    return printed.decode("utf-8", "replace")


def _trampoline() -> list[str]:
    """The interpreter that sets the death signal and then becomes the child; -I -S starts it in milliseconds."""
    return [sys.executable, "-I", "-S", "-c", TRAMPOLINE, str(os.getpid())] if sys.platform == "linux" else []


def _widen(pipe: IO[bytes]) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # A user has so many bytes in all pipes together; beyond them a pipe stays as it is.
        with suppress(PermissionError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        # What was buffered for a child that is gone is lost with it; its exit status tells the story.
        return


def _describe_status(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
