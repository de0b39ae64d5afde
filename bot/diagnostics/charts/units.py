"""Figures with their units: one scale for an axis, and single figures in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.diagnostics.metrics import Unit

Steps = tuple[tuple[float, str, str], ...]
TIMES: Steps = (
    (86400.0, "days", " d"), (3600.0, "hours", " h"), (60.0, "minutes", " min"), (1.0, "seconds", " s"),
    (0.001, "milliseconds", " ms"),
)  # fmt: skip
SIZES: Steps = (
    (1e15, "petabytes", " PB"), (1e12, "terabytes", " TB"), (1e9, "gigabytes", " GB"), (1e6, "megabytes", " MB"),
    (1e3, "kilobytes", " kB"), (1.0, "bytes", " bytes"),
)  # fmt: skip
COUNTS: Steps = (
    (1e12, "trillions", " trillion"), (1e9, "billions", " billion"), (1e6, "millions", " million"), (1.0, "", ""),
)  # fmt: skip
NAMES: dict[Unit, tuple[str, str]] = {
    "percent": ("per cent", " %"),
    "count": ("", ""),
    "per_minute": ("per minute", " per minute"),
    "per_second": ("per second", " per second"),
    "per_processor": ("per processor", " per CPU"),
}
"""What stands on an axis, and behind a figure."""
HUGE = 1e6


@dataclass(frozen=True)
class Scale:
    """What figures are divided by, and what they are then in."""

    divisor: float
    name: str
    sign: str


def choose_scale(unit: Unit, largest: float) -> Scale:
    """The scale on which this largest figure is a handy number."""
    size = abs(largest) if math.isfinite(largest) else 0.0
    if unit in ("seconds", "bytes"):
        return Scale(*_fit(TIMES if unit == "seconds" else SIZES, size))
    name, sign = NAMES[unit]
    divisor, many, word = _fit(COUNTS, size)
    return Scale(divisor, " ".join(filter(None, (many, name))), word + sign)


def show_figure(unit: Unit, value: float) -> str:
    """One figure in words: `45 ms`, `1.2 GB`, `3.1 per minute`."""
    scale = choose_scale(unit, value or float(unit == "seconds"))  # nothing is no number of milliseconds
    scaled = value / scale.divisor
    whole = unit == "count" and scale.divisor == 1 and abs(scaled) >= 10
    return f"{show_number(round(scaled) if whole else scaled)}{scale.sign}"


def show_ticks(ticks: Sequence[float]) -> list[str]:
    """Figures on an axis, each with as many digits as tell it from the next."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
    digits = min(9, max(0, math.ceil(-math.log10(step) - 1e-9))) if step > 0 else 0
    return [f"{one:.3g}" if abs(one) >= 1e9 else f"{one + 0.0:,.{digits}f}" for one in ticks]


def show_number(value: float) -> str:
    """Three digits that mean something, thousands apart, no more zeros than needed."""
    if value == 0:
        return "0"
    if abs(value) >= HUGE:
        return f"{value:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if abs(value) < 1000 else 0
    text = f"{value:,.{min(digits, 6)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-0", "-0") or "0"


def _fit(steps: Steps, size: float) -> tuple[float, str, str]:
    """The largest step that the size reaches; the last one fits always."""
    return next((step for step in steps if size >= step[0]), steps[-1])
