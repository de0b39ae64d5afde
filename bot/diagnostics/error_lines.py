"""Lines of a log that tell of errors."""

from __future__ import annotations

import re

ERROR = re.compile(r"(?<!\.)\b(?:ERROR|CRITICAL|FATAL)\b", re.IGNORECASE)
"""Not behind a dot: `uvicorn.error` is the name of a logger, which says good things too."""


def list_new(before: list[str], after: list[str]) -> list[str]:
    """The lines that came between two looks at the end of a log; all, where the earlier end is not to be seen.

    The later look begins somewhere in the earlier one, and goes on beyond its end.
    """
    for begin in range(len(before)):
        seen = before[begin:]
        if after[: len(seen)] == seen:
            return after[len(seen) :]
    return after
