"""Drawing a chart with matplotlib. Only ever imported where one is drawn: it takes a second and 60 MB.

Readable on a phone and in either of Slack's themes: large letters on a white ground. The colours are Okabe and Ito's,
which the colour-blind can tell apart, and each goes with a style of line. Figures are made without pyplot, so nothing
is shared between threads. No text is interpreted: a `$` is a `$`.
"""

from __future__ import annotations

import io
import unicodedata
from functools import cache
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from bot.diagnostics.charts.chart import Chart, MarkKind, find_gaps, show_clock, show_day, split_at_gaps
from bot.diagnostics.charts.layout import choose_time_ticks, choose_value_ticks, shorten, wrap
from bot.diagnostics.charts.marking import Label, label_marks
from bot.diagnostics.charts.units import Scale, choose_scale, show_figure, show_ticks

DPI, WIDTH = 150, 8.0
"""Inches; 1,200 pixels, of which a phone shows a third."""
LEFT, RIGHT, EDGE = 0.95, 1.3, 0.2
TITLE, LINE, LANE, PLOT, BELOW = 0.42, 0.3, 0.27, 2.9, 0.95
"""Heights in inches: a line of the title, one of small text, a lane of labels, the plot, ticks and legend."""
TITLE_PT, TEXT_PT, SMALL_PT = 19, 14, 12
TIME_TICKS, VALUE_TICKS = 6, 5
MANY = 400
"""From so many figures on, a thick line is a smear."""

INK, SOFT, RULE, GROUND = "#1d1c1d", "#5c5b5d", "#dddddd", "#ffffff"
BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
LINES: tuple[tuple[str, Any], ...] = ((BLUE, "-"), (ORANGE, (0, (5, 2))), (INK, (0, (1, 1.5))))
MARKS: dict[MarkKind, tuple[str, Any]] = {
    "incident": (VERMILION, (0, (6, 2))),
    "resolved": (GREEN, "-"),
    "action": (INK, (0, (1, 1.2))),
    "deploy": (PURPLE, (0, (4, 1.5, 1, 1.5))),
}
SETTINGS: Any = {
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": "DejaVu Sans",
    "axes.formatter.use_mathtext": False,
    "path.simplify": True,
}


def draw(chart: Chart) -> bytes:
    """The chart as PNG, 1,200 pixels wide; the same chart gives the same bytes."""
    with rc_context(SETTINGS):
        figure = compose(chart)
        found = io.BytesIO()
        figure.savefig(found, format="png", facecolor=GROUND, metadata={"Software": None})
    return found.getvalue()


def compose(chart: Chart) -> Figure:
    """The figure with everything on it, for whoever draws it or looks at its parts. Within `SETTINGS`."""
    marks = [one for one in chart.marks if chart.since <= one.at <= chart.until]
    labels = label_marks(marks, _to_inches(chart), LEFT, WIDTH - EDGE, 0.12, _fit_label)
    lanes = max((one.place.lane + 1 for one in labels if one.place), default=0)
    title = wrap(plain(chart.title), WIDTH - 2 * EDGE, 2, _measure(TITLE_PT, "bold"))
    notes = wrap(plain(chart.note), WIDTH - 2 * EDGE, 2, _measure(SMALL_PT)) if chart.note else []
    above = 0.14 + TITLE * len(title) + LINE + lanes * LANE + 0.1
    height = above + PLOT + BELOW + LINE * len(notes)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=GROUND)
    FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (LEFT / WIDTH, (height - above - PLOT) / height, (WIDTH - LEFT - RIGHT) / WIDTH, PLOT / height), gid="plot"
    )
    _write_head(figure, chart, title, height)
    scale = _set_axes(axes, chart)
    _draw_band(axes, chart, scale)
    _draw_gaps(axes, chart)
    _draw_lines(axes, chart, scale)
    _draw_marks(figure, axes, labels, height - above, height)
    _write_foot(figure, axes, chart, notes, height)
    return figure


def plain(text: str) -> str:
    """One line of signs that the font has; any other becomes a question mark."""
    known = _known_signs()
    kept = (" " if unicodedata.category(sign).startswith(("C", "Z")) else sign for sign in text)
    return " ".join("".join(sign if ord(sign) in known else "?" for sign in kept).split())


@cache
def _known_signs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


def _measure(size_pt: float, weight: str = "normal") -> Any:
    """A function from a text to its width in inches."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))

    def measure(text: str) -> float:
        font.set_size(size_pt, DPI)
        font.set_text(text, 0.0)
        return float(font.get_width_height()[0]) / 64 / DPI

    return measure


def _fit_label(text: str) -> tuple[str, float]:
    measure = _measure(SMALL_PT)
    fitted = shorten(plain(text), (WIDTH - LEFT - EDGE) * 0.6, measure)
    return fitted, measure(fitted)


def _to_inches(chart: Chart) -> Any:
    """A function from a time to its distance from the picture's left edge."""
    span = max(chart.until - chart.since, 1.0)
    return lambda at: LEFT + (at - chart.since) / span * (WIDTH - LEFT - RIGHT)


def _write_head(figure: Figure, chart: Chart, title: list[str], height: float) -> None:
    top = height - 0.14
    for number, line in enumerate(title):
        figure.text(
            EDGE / WIDTH, (top - number * TITLE) / height, line, size=TITLE_PT, weight="bold", color=INK, va="top",
            gid="title",
        )  # fmt: skip
    day, below = show_day(chart.until), (top - len(title) * TITLE) / height
    room = WIDTH - 3 * EDGE - _measure(TEXT_PT)(day)
    subtitle = shorten(plain(chart.subtitle), room, _measure(TEXT_PT))
    figure.text(EDGE / WIDTH, below, subtitle, size=TEXT_PT, color=SOFT, va="top", gid="subtitle")
    figure.text((WIDTH - EDGE) / WIDTH, below, day, size=TEXT_PT, color=SOFT, ha="right", va="top", gid="day")


def _set_axes(axes: Axes, chart: Chart) -> Scale:
    """The frame, the ticks and the unit; gives the scale of the values."""
    values = [one.value for line in chart.lines for one in line.figures]
    values += [edge for band in chart.usual for edge in (band.low, band.high)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if 0 <= low < 0.8 * high or high == low >= 0:  # a drop to a half must not look like one to nothing
        low = 0.0
    scale = choose_scale(chart.unit, max(abs(low), abs(high)))
    ticks = choose_value_ticks(low / scale.divisor, (high or 1.0) / scale.divisor, VALUE_TICKS)
    axes.set_ylim(ticks[0], ticks[-1] + 0.04 * (ticks[-1] - ticks[0]))
    axes.set_yticks(ticks, show_ticks(ticks), size=TEXT_PT, color=SOFT)
    axes.set_ylabel(shorten(plain(chart.axis), PLOT, _measure(TEXT_PT)), size=TEXT_PT, color=SOFT)
    axes.yaxis.set_label_coords(-0.115, 0.5)
    axes.set_xlim(chart.since, max(chart.until, chart.since + 1))
    times = choose_time_ticks(chart.since, chart.until, TIME_TICKS)
    axes.set_xticks(times, [_show_tick(one, chart) for one in times], size=TEXT_PT, color=SOFT)
    axes.annotate(
        "UTC", (1, 0), (46, -10), xycoords="axes fraction", textcoords="offset points", size=TEXT_PT, color=SOFT,
        va="top", annotation_clip=False, gid="zone",
    )  # fmt: skip
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=6)
    axes.tick_params(axis="x", length=4, color=SOFT)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(SOFT)
    if not chart.main:
        axes.set_yticks([])
        axes.text(
            0.5, 0.5, "nothing was measured", transform=axes.transAxes, ha="center", size=TEXT_PT, color=SOFT,
            bbox={"facecolor": GROUND, "edgecolor": "none"}, zorder=5,
        )  # fmt: skip
    return scale


def _show_tick(at: float, chart: Chart) -> str:
    if chart.until - chart.since > 2 * 86400:
        return show_day(at).rpartition(" ")[0]
    text = show_clock(at)
    return f"{text}:{int(at) % 60:02d}" if chart.until - chart.since <= 300 else text


def _draw_band(axes: Axes, chart: Chart, scale: Scale) -> None:
    for band in chart.usual:
        low, high = band.low / scale.divisor, band.high / scale.divisor
        span = [max(band.since, chart.since), min(band.until, chart.until)]
        axes.fill_between(span, low, high, facecolor=SKY, alpha=0.3, linewidth=0, zorder=1, gid="usual")
        for edge in (low, high):  # a range of next to no height is seen too
            axes.plot(span, [edge, edge], color=SKY, linewidth=1.0, zorder=1.1, gid="usual-edge")


def _draw_gaps(axes: Axes, chart: Chart) -> None:
    for since, until in find_gaps(chart.main, chart.until):
        axes.axvspan(since, until, facecolor="none", edgecolor=RULE, hatch="///", linewidth=0, zorder=0.5, gid="gap")


def _draw_lines(axes: Axes, chart: Chart, scale: Scale) -> None:
    for number, line in reversed(list(enumerate(chart.lines))):
        colour, style = LINES[number % len(LINES)]
        width = (2.6 if len(line.figures) < MANY else 1.4) if number == 0 else 2.0
        for stretch in split_at_gaps(line.figures):
            axes.plot(
                [one.middle for one in stretch], [one.value / scale.divisor for one in stretch], color=colour,
                linestyle=style, linewidth=width, solid_capstyle="round", zorder=3 - number * 0.1, gid=f"line-{number}",
                marker="o" if len(stretch) == 1 else None, markersize=6,
            )  # fmt: skip
    if chart.main:
        _label_last(axes, chart, scale)


def _label_last(axes: Axes, chart: Chart, scale: Scale) -> None:
    last = chart.main[-1]
    height = last.value / scale.divisor
    axes.plot([last.middle], [height], marker="o", markersize=8, color=BLUE, zorder=4, clip_on=False, gid="last")
    words = wrap(show_figure(chart.unit, last.value), RIGHT - 0.25, 2, _measure(TEXT_PT, "bold"))
    bottom, top = axes.get_ylim()
    least = 0.1 if len(words) > 1 else 0.05
    axes.text(
        1.02, min(max((height - bottom) / (top - bottom), least), 1 - least), "\n".join(words),
        transform=axes.transAxes, size=TEXT_PT, weight="bold", color=BLUE, va="center", linespacing=1.1,
        gid="last-label",
    )  # fmt: skip


def _draw_marks(figure: Figure, axes: Axes, labels: list[Label], plot_top: float, height: float) -> None:
    """A line through the plot up to the label, which stands in a lane of its own above it."""
    upright = blended_transform_factory(axes.transData, figure.transFigure)
    bottom = axes.get_position().y0
    for label in labels:
        colour, style = MARKS[label.mark.kind]
        lane = label.place.lane if label.place else -1
        top = (plot_top + 0.06 + (lane + 0.5) * LANE) / height
        axes.plot(
            [label.mark.at] * 2, [bottom, top], transform=upright, color=colour, linestyle=style, linewidth=1.8,
            clip_on=False, zorder=2.5, gid=f"mark-{label.mark.kind}",
        )  # fmt: skip
        if label.place:
            figure.text(
                label.place.left / WIDTH, top, label.text, size=SMALL_PT, color=INK, va="center", gid="mark-label",
                bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 1.5},
            )  # fmt: skip


def _write_foot(figure: Figure, axes: Axes, chart: Chart, notes: list[str], height: float) -> None:
    """What the colours mean, and what must be known."""
    base = LINE * len(notes)
    shown: list[Any] = []
    for number, line in enumerate(chart.lines[: len(LINES)]):
        artist = next((one for one in axes.lines if one.get_gid() == f"line-{number}"), None)
        if artist is not None and len(chart.lines) > 1:
            artist.set_label(shorten(plain(line.label), 2.2, _measure(SMALL_PT)))
            shown.append(artist)
    if chart.usual:
        shown.append(Patch(facecolor=SKY, alpha=0.3, edgecolor=SKY, label="usual"))
    if find_gaps(chart.main, chart.until):
        shown.append(Patch(facecolor="none", edgecolor=RULE, hatch="///", label="not measured"))
    if shown:
        figure.legend(
            handles=shown, loc="lower left", bbox_to_anchor=((EDGE - 0.1) / WIDTH, base / height), ncols=len(shown),
            frameon=False, fontsize=SMALL_PT, labelcolor=SOFT, handlelength=1.8, columnspacing=1.2, borderpad=0.4,
        )  # fmt: skip
    for number, note in enumerate(notes):
        figure.text(
            EDGE / WIDTH, (base - number * LINE - 0.02) / height, note, size=SMALL_PT, color=SOFT, va="top", gid="note"
        )
