"""Moments of a run at which the bot is killed, seen in its store from outside."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from bot.sandbox.children import Child
from tests.crash.rig import Rig, look_closely

Moment = Callable[[Rig, int], None]
"""Waits for its moment in a run, and kills the bot in it."""


def when_queued(rig: Rig, run_id: int) -> None:
    """Between the approval and the first step."""
    rig.kill()
    assert rig.steps(run_id) == {}


def when_begun(step: str, delay_s: float = 0.0, *, attempt: int = 1, bot: Child | None = None) -> Moment:
    """As soon as an attempt at the step is recorded as running, or a little later; at once if it is done already."""

    def begun(rig: Rig, run_id: int) -> bool:
        row = rig.steps(run_id).get(step)
        return row is not None and (row.attempts >= attempt or row.state == "done")

    def kill(rig: Rig, run_id: int) -> None:
        look_closely(lambda: begun(rig, run_id), f"the beginning of {step}")
        time.sleep(delay_s)  # the moment itself, not a wait for something
        rig.kill(bot)

    return kill


def when_ended(step: str) -> Moment:
    """As soon as the step is recorded as done."""

    def kill(rig: Rig, run_id: int) -> None:
        look_closely(lambda: _state(rig, run_id, step) == "done", f"the end of {step}")
        rig.kill()

    return kill


def when_happened(step: str, happened: Callable[[Rig, int], bool]) -> Moment:
    """After the step has changed the world, before it could be recorded: the store takes no writes meanwhile."""

    def kill(rig: Rig, run_id: int) -> None:
        look_closely(lambda: _state(rig, run_id, step) == "running", f"the beginning of {step}")
        with hold_store(rig):
            look_closely(lambda: happened(rig, run_id), f"what {step} does")
            rig.kill()
        assert _state(rig, run_id, step) == "running"

    return kill


@contextmanager
def hold_store(rig: Rig) -> Iterator[None]:
    """Keep everybody else from writing into an SQLite store."""
    assert rig.services.database.file is not None
    connection = sqlite3.connect(rig.services.database.file, timeout=30, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def _state(rig: Rig, run_id: int, step: str) -> str:
    query = sa.text("SELECT state FROM run_steps WHERE run_id = :run AND name = :name")
    with rig.services.database.engine.connect() as connection:
        return str(connection.execute(query, {"run": run_id, "name": step}).scalar() or "waiting")
