"""Pictures of charts, drawn by a process of their own: what drawing needs in memory is gone again afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Sequence
from importlib.util import find_spec

from pydantic import TypeAdapter

from bot.diagnostics.charts.chart import Chart
from bot.outcome import Failed, Refused

LIMIT_S = 60.0
"""For all of them; a second is usual, and the first time ever the fonts are looked for."""
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "PYTHONPATH", "VIRTUAL_ENV")
"""Of the environment, in which there are secrets, nothing else."""


class ChartsMissing(Refused):
    """matplotlib is not installed: the rest of the bot works without it."""

    def __init__(self) -> None:
        super().__init__("Charts cannot be drawn here: matplotlib is missing.", "Install `holdfast[charts]`.")


def can_draw() -> bool:
    """Whether what draws is installed; does not load it."""
    return find_spec("matplotlib") is not None


def render(charts: Sequence[Chart]) -> list[bytes]:
    """A PNG of each. Raises `ChartsMissing`, or `Failed` where the process did not do it."""
    if not can_draw():
        raise ChartsMissing
    wanted = TypeAdapter(list[Chart]).dump_json(list(charts))
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [sys.executable, "-m", "bot.diagnostics.charts"]
    try:
        done = subprocess.run(command, input=wanted, capture_output=True, timeout=LIMIT_S, env=environment, check=False)
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Failed(f"The charts were not drawn: {type(error).__name__}.") from error
    if done.returncode != 0:
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"])[-1]
        raise Failed(f"The charts were not drawn: {last[:200]}")
    return [b64decode(one) for one in TypeAdapter(list[str]).validate_json(done.stdout)]
