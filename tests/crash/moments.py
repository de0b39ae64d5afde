"""Moments of a run at which the bot is killed, seen in its store from outside."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.sandbox.children import Child
from tests.crash.rig import Rig, look_closely

Moment = Callable[[Rig, int], None]
"""Waits for its moment in a run, and kills the bot in it."""


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
