"""A chart in words, for whoever cannot see it: what is shown, the range, the last value, the trend, the marks."""

from __future__ import annotations

from statistics import fmean

from bot.diagnostics.charts.chart import Chart, find_gaps, show_clock, show_day
from bot.diagnostics.charts.units import show_figure
from bot.words import cut

LIMIT = 1000
"""Slack refuses longer ones (files.getUploadURLExternal: alt_txt_too_large)."""
MARKS_TOLD, GAPS_TOLD = 8, 3
STEADY = 0.1
"""A change that is smaller than this share of the range is none."""


def describe(chart: Chart) -> str:
    """At most 1,000 characters."""
    span = f"{show_day(chart.until)}, {show_clock(chart.since, like=chart.until)} to {show_clock(chart.until)} UTC"
    parts = [f"{chart.title}.", f"Line chart of {chart.subtitle}, {span}."]
    parts += [*_tell_figures(chart), *_tell_gaps(chart), *_tell_marks(chart)]
    if chart.note:
        parts.append(chart.note)
    return cut(" ".join(" ".join(parts).split()), LIMIT)


def find_trend(values: list[float]) -> str:
    """`rising`, `falling` or `steady`, by the first and the last third; empty where there are too few."""
    if len(values) < 3:
        return ""
    third = len(values) // 3
    spread, change = max(values) - min(values), fmean(values[-third:]) - fmean(values[:third])
    if spread == 0 or abs(change) < STEADY * spread:
        return "steady"
    return "rising" if change > 0 else "falling"


def _tell_figures(chart: Chart) -> list[str]:
    if not chart.main:
        return ["It holds no figures."]
    values, last = [one.value for one in chart.main], chart.main[-1]
    lowest, highest, newest = (show_figure(chart.unit, one) for one in (min(values), max(values), last.value))
    parts = [f"Lowest {lowest}, highest {highest}, last {newest} at {show_clock(last.at, like=chart.until)}."]
    if trend := find_trend(values):
        parts.append(f"Trend: {trend}.")
    if chart.usual:
        low, high = min(one.low for one in chart.usual), max(one.high for one in chart.usual)
        parts.append(f"Usual: {show_figure(chart.unit, low)} to {show_figure(chart.unit, high)}.")
    beside = [
        f"{one.label} last {show_figure(chart.unit, one.figures[-1].value)}" for one in chart.lines[1:] if one.figures
    ]
    return [*parts, f"Beside it: {', '.join(beside)}."] if beside else parts


def _tell_gaps(chart: Chart) -> list[str]:
    gaps = find_gaps(chart.main, chart.until)
    if not gaps:
        return []
    told = [
        f"{show_clock(since, like=chart.until)} to {show_clock(until, like=chart.until)}"
        for since, until in gaps[-GAPS_TOLD:]
    ]
    more = f" and {len(gaps) - GAPS_TOLD} earlier times" if len(gaps) > GAPS_TOLD else ""
    return [f"Not measured: {', '.join(told)}{more}."]


def _tell_marks(chart: Chart) -> list[str]:
    told = [f"{show_clock(one.at, like=chart.until)} {one.label}" for one in chart.marks[:MARKS_TOLD]]
    more = f" and {len(chart.marks) - MARKS_TOLD} more" if len(chart.marks) > MARKS_TOLD else ""
    return [f"Marks: {'; '.join(told)}{more}."] if told else []
