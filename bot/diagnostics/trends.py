"""Where a series of figures is heading, by a straight line through it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import linear_regression

from bot.systems.cloudwatch import Reading

FEWEST = 4
"""A line through fewer figures says nothing."""
LONGEST = timedelta(days=365)


def time_until_empty(series: Sequence[Reading]) -> timedelta | None:
    """How long the last figure takes to zero, at the pace of the line through all of them.

    None where it never gets there: a series that is flat or grows, is too short, or would take more than a year. A
    last figure of zero or less is empty already.
    """
    if not series or len({one.at for one in series}) < FEWEST:
        return None
    last = series[-1]
    if last.value <= 0:
        return timedelta(0)
    line = linear_regression([(one.at - last.at).total_seconds() for one in series], [one.value for one in series])
    left_s = last.value / -line.slope if line.slope < 0 else float("inf")
    return timedelta(seconds=left_s) if left_s <= LONGEST.total_seconds() else None
