"""Ids and timestamps that look like Slack's."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable

_ALPHABET = string.ascii_uppercase + string.digits
Clock = Callable[[], float]


class Identifiers:
    """Hands out ids and message timestamps. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_us = 0

    def new(self, prefix: str) -> str:
        """An id such as `C07ABCDEF12`: the prefix, then ten capitals or digits."""
        return prefix + "0" + "".join(secrets.choice(_ALPHABET) for _ in range(9))

    def block_id(self) -> str:
        """The short id that Slack gives to a block (or action) that came without one."""
        return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(5))

    def ts(self) -> str:
        """A message timestamp, `seconds.microseconds`, later than every one before it."""
        self._last_us = max(int(self._clock() * 1_000_000), self._last_us + 1)
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"
