"""The bot's own machine."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable

from bot.systems.hosts.command import NOT_KEPT, HostUnclear, HostUnreachable, Output, Sent, Tail
from bot.systems.outcomes import SystemCancelled

POLL_S = 0.2
PIECE = 64 * 1024


class LocalMachine:
    """Runs commands as children of this process."""

    def __init__(self, title: str) -> None:
        self.title = title

    def run(
        self,
        words: list[str],
        timeout_s: float,
        cancelled: Callable[[], bool] = lambda: False,
        sent: Sent = NOT_KEPT,
    ) -> Output:
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise HostUnreachable(f"{words[0]} cannot be started on {self.title}: {error.strerror}.") from error
        with process:
            try:
                return self._read(process, words, time.monotonic() + timeout_s, timeout_s, cancelled)
            finally:
                _kill(process)

    def _read(
        self, process: subprocess.Popen[bytes], words: list[str], deadline: float, timeout_s: float,
        cancelled: Callable[[], bool],
    ) -> Output:  # fmt: skip
        tails = {process.stdout: Tail(), process.stderr: Tail()}
        with selectors.DefaultSelector() as waiting:
            for stream in tails:
                assert stream is not None
                waiting.register(stream, selectors.EVENT_READ)
            while waiting.get_map():
                if time.monotonic() > deadline:
                    raise HostUnclear(
                        f"{words[0]} on {self.title} did not end within {timeout_s:.0f} s.", "It was stopped."
                    )
                if cancelled():
                    _kill(process)
                    process.wait()
                    raise SystemCancelled(f"{words[0]} on {self.title} was stopped.")
                for key, _ in waiting.select(POLL_S):
                    piece = key.fileobj.read1(PIECE)  # type: ignore[union-attr]
                    if piece:
                        tails[key.fileobj].add(piece)  # type: ignore[index]
                    else:
                        waiting.unregister(key.fileobj)
        output, errors = tails.values()
        return Output(process.wait(), output.text, errors.text, output.left_out + errors.left_out)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With everything that it has started; nothing where it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
