"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], what: str, deadline_s: float = 10.0) -> None:
    """Look until `holds`; AssertionError at the deadline."""
    end = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.01)
