"""Programs that recovery actions bring to a host: one self-contained file each, run there by `hosts.*.commands.python`.

A program needs nothing but Python 3.8. It gets its arguments as words, works on what they name and nothing else, prints
one JSON object as its last line, and on trouble one line of words on stderr with status 1. Any of them may be killed at
any instant and run again, also beside itself: what is done is seen and not done twice.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from pydantic import JsonValue

from bot.outcome import Failed
from bot.systems.hosts.command import Output


@cache
def read_program(name: str) -> str:
    """The source of a shipped program; `name` is a file of this folder without its ending."""
    return resources.files(__name__).joinpath(f"{name}.py").read_text(encoding="utf-8")


def read_answer(output: Output, title: str) -> dict[str, JsonValue]:
    """What a program answered. Raises `Failed` in its own words where it ended badly or said something else."""
    if not output.good:
        said = (output.errors.strip() or output.text.strip()).splitlines()
        raise Failed(
            f"On {title}: {said[-1] if said else 'it said nothing'} (status {output.status}).",
            "What it had done by then is seen when it is tried again.",
        )
    try:
        answer = json.loads(output.text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        answer = None
    if not isinstance(answer, dict):
        raise Failed(f"{title} answered something else than the program was to say.", "Look at the host.")
    return answer
