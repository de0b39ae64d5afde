"""The three outcomes: done (a value is returned), refused, failed."""

from __future__ import annotations


class Refused(Exception):
    """Nothing was done, for a reason that a tired person understands, with what to do next."""

    def __init__(self, reason: str, next_step: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.next_step = next_step

    @property
    def words(self) -> str:
        return f"{self.reason} {self.next_step}".strip()


class Failed(Exception):
    """Something was attempted and did not work; says what is true now and what can be done."""

    def __init__(self, reason: str, true_now: str = "", next_step: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.true_now = true_now
        self.next_step = next_step

    @property
    def words(self) -> str:
        return " ".join(filter(None, (self.reason, self.true_now, self.next_step)))


class Cancelled(Exception):
    """Stopped because somebody asked for it; raised only when all remote and child work has stopped."""
