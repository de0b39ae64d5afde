"""What a command on a host is given and what comes back, however the host is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bot.systems.outcomes import SystemFailed, SystemRefused

KEPT_BYTES = 256 * 1024
"""What is kept of each of output and errors: the end, since the newest lines matter; what is before is counted."""


class HostUnreachable(SystemRefused):
    """The command did not begin: the host cannot be reached, or is not the one that it should be."""


class HostUnclear(SystemFailed):
    """The command may have run, or may still: the host did not say how it ended."""


@dataclass(frozen=True)
class Output:
    """How a command ended. `left_out_bytes` of its output were too much to keep."""

    status: int
    text: str
    errors: str
    left_out_bytes: int = 0

    @property
    def good(self) -> bool:
        return self.status == 0

    @property
    def said(self) -> str:
        """Both streams for people, the errors last."""
        return "\n".join(part for part in (self.text.strip(), self.errors.strip()) if part)


@dataclass(frozen=True)
class Sent:
    """Where it is kept which command was sent, so that after a crash the same one is waited for."""

    before: str | None = None
    """The id of what was sent before the crash."""
    keep: Callable[[str], None] = lambda command_id: None
    """Told the id before anything else; it has to last when this returns."""


NOT_KEPT = Sent()


class Machine(Protocol):
    """One host."""

    title: str

    def run(
        self,
        words: list[str],
        timeout_s: float,
        cancelled: Callable[[], bool] = lambda: False,
        sent: Sent = NOT_KEPT,
    ) -> Output:
        """Run one command to its end. A status other than 0 is an answer, not an error.

        Only SSM knows a command by an id, and uses `sent`; over SSH and here a command is given again after a crash,
        which what is run has to bear.

        Raises HostUnreachable where it did not begin, HostUnclear where it is not known how it ended, among others
        when `timeout_s` is over, and SystemCancelled when `cancelled` and it has stopped.
        """


class Tail:
    """The end of a stream, in bounded memory."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self.limit, self.seen, self._kept = limit, 0, bytearray()

    def add(self, piece: bytes) -> None:
        self.seen += len(piece)
        self._kept += piece
        if len(self._kept) > 2 * self.limit:
            del self._kept[: -self.limit]

    @property
    def text(self) -> str:
        return bytes(self._kept[-self.limit :]).decode("utf-8", "replace")

    @property
    def left_out(self) -> int:
        return max(0, self.seen - self.limit)
