"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], what: str, deadline_s: float = 10.0) -> T:
    """Look until the result is truthy; AssertionError at the deadline."""
    begun = time.monotonic()
    while not (found := look()):
        waited_s = time.monotonic() - begun
        assert waited_s < deadline_s, f"no {what} within {deadline_s} s"
        time.sleep(min(0.01 + waited_s / 20, 0.2))  # a look may cost more than the thing that is waited for
    return found
