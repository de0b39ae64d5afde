"""From what was measured to a chart that says what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.diagnostics.charts.alt_text import describe
from bot.diagnostics.charts.chart import Band, Chart, Line, Mark
from bot.diagnostics.charts.findings import Stretch, find_stretch, write_title
from bot.diagnostics.charts.units import choose_scale
from bot.diagnostics.metrics import Metric


def build_chart(
    metric: Metric, subject: str, lines: Sequence[Line], usual: Sequence[Band], marks: Sequence[Mark], since: float,
    until: float, note: str = "",
) -> tuple[Chart, Stretch | None]:  # fmt: skip
    """The chart of a metric of `subject` (its title), and the time at which it was clearly not as usual."""
    figures = lines[0].figures if lines else ()
    stretch = find_stretch(metric, figures, usual)
    largest = max((abs(one.value) for one in figures), default=0.0)
    scale = choose_scale(metric.unit, largest)
    axis = {"seconds": scale.name, "bytes": scale.name, "count": f"{metric.figure} ({scale.name})"}
    chart = Chart(
        title="",
        subtitle=f"{subject}: {metric.figure}",
        axis=axis.get(metric.unit, scale.name) if scale.name else metric.figure,
        unit=metric.unit,
        since=since,
        until=until,
        lines=tuple(lines),
        usual=tuple(usual),
        marks=tuple(sorted((one for one in marks if since <= one.at <= until), key=lambda one: one.at)),
        note=note,
    )
    chart = replace(chart, title=write_title(metric, chart, stretch))
    return replace(chart, alt_text=describe(chart)), stretch
