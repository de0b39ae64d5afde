"""Clients of AWS are made one after another, and one that hangs does not hold up all others."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

from bot.systems.aws import one_at_a_time

LONG_S = 10.0


def test_never_two_at_once() -> None:
    inside = Lock()

    def make(number: int) -> int:
        assert inside.acquire(blocking=False), "another is at it"
        for _ in range(20):
            os.sched_yield()
        inside.release()
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one_at_a_time(make, LONG_S), range(200))) == list(range(200))


def test_one_that_hangs_is_waited_for_with_patience_only() -> None:
    began, over = Event(), Event()

    def make(name: str) -> str:
        if name == "hangs":
            began.set()
            assert over.wait(LONG_S)
        return name

    open_one = one_at_a_time(make, 0.01)
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(open_one, "hangs")
        assert began.wait(LONG_S)
        try:
            assert pool.submit(open_one, "goes ahead").result(LONG_S) == "goes ahead"
            assert not hanging.done()
        finally:
            over.set()
        assert (hanging.result(LONG_S), open_one("next")) == ("hangs", "next")
