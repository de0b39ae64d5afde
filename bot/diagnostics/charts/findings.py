"""What a series says at a glance: whether and since when it has left its usual range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.diagnostics.charts.chart import Band, Chart, Figure, find_band, find_gaps, show_clock
from bot.diagnostics.charts.units import show_figure
from bot.diagnostics.metrics import Metric

FEWEST = 2
"""One figure outside is chance."""
LULL = 2
"""So many figures within the range between others outside do not end what began."""
MOST = 1000.0


@dataclass(frozen=True)
class Stretch:
    """A time outside of the usual range, on one side of it."""

    since: float
    until: float
    up: bool
    beyond: float
    """How far, in widths of the range: what is most telling has the largest."""
    lasting: bool
    """Whether the newest figure still belongs to it."""


def find_stretch(metric: Metric, figures: Sequence[Figure], usual: Sequence[Band]) -> Stretch | None:
    """The newest time that a series was clearly outside, on a side where that means something; else None."""
    stretches = [
        found
        for up, word in ((True, metric.up), (False, metric.down))
        if word and (found := _find_side(metric, figures, usual, up)) is not None
    ]
    return max(stretches, key=lambda one: (one.until, one.beyond), default=None)


def margin_of(metric: Metric, usual: Band) -> float:
    """How far outside of the range is clear: what means anything at all, and some of what is usual."""
    return max(metric.noise, 0.25 * (usual.high - usual.low), metric.share * abs(usual.median))


def write_title(metric: Metric, chart: Chart, stretch: Stretch | None) -> str:
    """The finding: `Health endpoint: slower since 10:02`."""
    figures = chart.main
    if not figures:
        return f"{metric.title}: nothing was measured"
    if stretch:
        word = metric.up if stretch.up else metric.down
        since, until = (show_clock(one, like=chart.until) for one in (stretch.since, stretch.until))
        span = f"since {since}" if stretch.lasting else f"at {since}" if since == until else f"{since} to {until}"
        return f"{metric.title}: {word} {span}"
    gaps = find_gaps(figures, chart.until)
    if gaps and gaps[-1][1] == chart.until:
        return f"{metric.title}: not measured since {show_clock(gaps[-1][0], like=chart.until)}"
    if chart.usual:
        return f"{metric.title}: as usual"
    return f"{metric.title}: {show_figure(chart.unit, figures[-1].value)}"


def _find_side(metric: Metric, figures: Sequence[Figure], usual: Sequence[Band], up: bool) -> Stretch | None:
    excess = [_exceed(metric, one, find_band(usual, one.middle), up) for one in figures]
    outside = [index for index, one in enumerate(excess) if one > 0]
    if not outside:
        return None
    first = last = outside[-1]
    for index in reversed(outside):
        if first - index > LULL + 1:
            break
        first = index
    within = [excess[index] for index in outside if index >= first]
    if len(within) < FEWEST:
        return None
    ended = len(figures) - 1 - last > LULL
    since, until = figures[first].at, figures[last].at + figures[last].width_s
    return Stretch(since, until, up, min(MOST, sum(within) / len(within)), not ended)


def _exceed(metric: Metric, figure: Figure, usual: Band | None, up: bool) -> float:
    """How far a figure is beyond what is clearly outside, in margins; not above 0 where it is not."""
    if usual is None:
        return 0.0
    margin = margin_of(metric, usual)
    distance = figure.value - usual.high if up else usual.low - figure.value
    return (distance - margin) / margin if margin > 0 else MOST * (distance > 0)
