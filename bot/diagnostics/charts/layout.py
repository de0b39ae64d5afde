"""Where labels and ticks go. Pure arithmetic, in whatever unit of length the caller draws in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TIME_STEPS_S = (
    1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800,
)  # fmt: skip

SAME = 1e-9
"""Figures that are nearer than this, in themselves or as a share, are drawn as one."""


@dataclass(frozen=True)
class Place:
    """Where a label goes: its lane, counted from the one nearest to the plot, and where it begins."""

    lane: int
    left: float


def place_labels(
    anchors: Sequence[float], widths: Sequence[float], left: float, right: float, gap: float, lanes: int
) -> list[Place | None]:
    """A place for each label at its anchor, those given first being served first; None where none is free.

    No two labels of a lane come nearer than `gap`, and none leaves the room from `left` to `right`. A label begins at
    its anchor, ends there, or stands over it; where it can, it covers no anchor of another.
    """
    taken: list[list[tuple[float, float]]] = [[] for _ in range(lanes)]
    places: list[Place | None] = []
    for number, (anchor, width) in enumerate(zip(anchors, widths, strict=True)):
        others = [one for index, one in enumerate(anchors) if index != number]
        places.append(
            _place(anchor, width, left, right, gap, taken, others) or _place(anchor, width, left, right, gap, taken, [])
        )
    return places


def _place(
    anchor: float, width: float, left: float, right: float, gap: float, taken: list[list[tuple[float, float]]],
    avoided: Sequence[float],
) -> Place | None:  # fmt: skip
    if width > right - left:
        return None
    begins = (anchor, anchor - width, min(max(anchor - width / 2, left), right - width))
    good = [
        begin
        for begin in begins
        if left <= begin and begin + width <= right and not any(begin < one < begin + width for one in avoided)
    ]
    for lane, spans in enumerate(taken):
        for begin in good:
            if all(begin >= end + gap or begin + width + gap <= start for start, end in spans):
                spans.append((begin, begin + width))
                return Place(lane, begin)
    return None


def choose_time_ticks(since: float, until: float, most: int) -> list[float]:
    """At most so many round times in between, evenly apart."""
    step = next((one for one in TIME_STEPS_S if (until - since) / one <= most - 1), TIME_STEPS_S[-1])
    while (until - since) / step > most - 1:
        step *= 2
    first = math.ceil(since / step) * step
    return [float(first + step * index) for index in range(int((until - first) // step) + 1)]


def choose_value_ticks(low: float, high: float, most: int) -> list[float]:
    """Round figures that span from `low` to `high`: steps of 1, 2 or 5 times a power of ten."""
    if high - low <= max(SAME, SAME * abs(low)):
        high = low + (abs(low) if abs(low) > SAME else 1.0)
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def wrap(text: str, width: float, most: int, measure: Callable[[str], float]) -> list[str]:
    """The text in at most so many lines of this width; what does not fit is cut, and an ellipsis says so."""
    lines: list[str] = []
    words = text.split() or [""]
    while words and len(lines) < most:
        line = words.pop(0)
        while words and measure(f"{line} {words[0]}") <= width:
            line = f"{line} {words.pop(0)}"
        lines.append(line)
    if words:
        lines[-1] = f"{lines[-1]} {' '.join(words)}"
    return [shorten(line, width, measure) for line in lines]


def shorten(text: str, width: float, measure: Callable[[str], float]) -> str:
    """The text, cut to this width with an ellipsis where it is longer."""
    if measure(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle].rstrip() + "…") <= width else (low, middle - 1)
    return text[:low].rstrip() + "…"
