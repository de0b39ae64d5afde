"""Charts: what they say, what is on them, and their description in words."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import rc_context
from matplotlib.figure import Figure as Drawing
from PIL import Image

from bot.diagnostics.charts import rendering
from bot.diagnostics.charts.alt_text import LIMIT, find_trend
from bot.diagnostics.charts.build import build_chart
from bot.diagnostics.charts.chart import Band, Chart, Figure, Line, Mark, find_gaps, split_at_gaps
from bot.diagnostics.charts.drawing import SETTINGS, compose, draw, plain
from bot.diagnostics.charts.findings import Stretch
from bot.diagnostics.charts.rendering import ChartsMissing, render
from bot.diagnostics.metrics import METRICS
from tests.unit.packaging.checkout import ROOT

BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC).timestamp()
END = BEGIN + 3600
LATENCY = METRICS["health_latency"]
USUAL = [Band(BEGIN, END, 0.045, 0.039, 0.052)]
MARKS = [Mark(BEGIN + 34 * 60, "Incident #12", "incident"), Mark(BEGIN + 45 * 60, "Run 3: Restart", "action")]
Shape = Callable[[int], float | None]


def figures(shape: Shape, count: int = 60) -> tuple[Figure, ...]:
    return tuple(Figure(BEGIN + 60 * i, value) for i in range(count) if (value := shape(i)) is not None)


def make(
    shape: Shape, usual: Sequence[Band] = USUAL, marks: Sequence[Mark] = (), metric: str = "health_latency",
    note: str = "", subject: str = "TraitorTrack",
) -> tuple[Chart, Stretch | None]:  # fmt: skip
    return build_chart(METRICS[metric], subject, [Line("", figures(shape))], usual, marks, BEGIN, END, note)


def slow(minute: int) -> float:
    return 0.045 if minute < 32 else 1.5


def lay_out(chart: Chart) -> Drawing:
    with rc_context(SETTINGS):
        return compose(chart)


def count(drawing: Drawing, gid: str) -> int:
    return len(drawing.findobj(lambda one: one.get_gid() == gid, include_self=False))


def written(drawing: Drawing) -> list[str]:
    return [one.get_text() for one in drawing.findobj(lambda one: hasattr(one, "get_text")) if one.get_text()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("shape", "usual", "title"),
    [
        (lambda i: 0.045, USUAL, "Health endpoint: as usual"),
        (slow, USUAL, "Health endpoint: slower since 09:32"),
        (lambda i: slow(i) if i < 48 else 0.045, USUAL, "Health endpoint: slower 09:32 to 09:48"),
        (lambda i: 0.045 if i != 30 else 1.5, USUAL, "Health endpoint: as usual"),  # one figure is chance
        (lambda i: slow(i) if i not in (40, 41) else 0.045, USUAL, "Health endpoint: slower since 09:32"),
        (lambda i: 0.001, USUAL, "Health endpoint: as usual"),  # faster is no trouble
        (lambda i: 0.045 + 0.05 * (i > 30), USUAL, "Health endpoint: as usual"),  # it means nothing
        (lambda i: 0.045, [], "Health endpoint: 45 ms"),
        (lambda i: 0.045 if i < 40 else None, USUAL, "Health endpoint: not measured since 09:40"),
        (lambda i: None, USUAL, "Health endpoint: nothing was measured"),
    ],
)
def test_the_title_says_the_finding(shape: Shape, usual: list[Band], title: str) -> None:
    assert make(shape, usual)[0].title == title


def test_what_was_over_within_a_minute_was_at_that_minute() -> None:
    line = tuple(Figure(BEGIN + 5 * i, 1.5 if 20 <= i < 23 else 0.045, 5.0) for i in range(60))
    chart, _ = build_chart(LATENCY, "x", [Line("", line)], USUAL, [], BEGIN, BEGIN + 300)
    assert chart.title == "Health endpoint: slower at 09:01"


def test_fewer_is_a_finding_where_that_means_something() -> None:
    usual = [Band(BEGIN, END, 1000, 990, 1010)]
    chart, stretch = make(lambda i: 1000 if i < 20 else 600, usual, metric="rows")
    assert chart.title == "Rows: fewer since 09:20"
    assert stretch
    assert (stretch.up, stretch.lasting) == (False, True)
    assert make(lambda i: 1000 if i < 20 else 5000, usual, metric="rows")[1] is None


def test_what_is_farther_from_usual_is_more_telling() -> None:
    near, far = make(lambda i: 0.045 if i < 30 else 0.3)[1], make(lambda i: 0.045 if i < 30 else 3.0)[1]
    assert near
    assert far
    assert far.beyond > near.beyond > 0


@given(st.lists(st.floats(0, 1e6), max_size=60), st.floats(0, 1e3), st.floats(0, 1e3))
def test_nothing_within_the_usual_range_is_a_finding(values: list[float], low: float, width: float) -> None:
    inside = [min(max(value, low), low + width) for value in values]
    chart, stretch = make(
        lambda i: inside[i] if i < len(inside) else None, [Band(BEGIN, END, low, low, low + width)], metric="load"
    )
    assert stretch is None
    assert "since" not in chart.title.replace("not measured since", "")


@given(st.sets(st.integers(0, 59), min_size=1))
def test_gaps_are_where_nothing_was_measured(minutes: set[int]) -> None:
    line = figures(lambda i: 1.0 if i in minutes else None)
    stretches, gaps = split_at_gaps(line), find_gaps(line, END)
    assert [one for stretch in stretches for one in stretch] == list(line)
    assert len(stretches) - 1 <= len(gaps) <= len(stretches)
    assert not [(one, gap) for one in line for gap in gaps if gap[0] < one.middle < gap[1]]


def test_everything_is_on_the_picture() -> None:
    chart, _ = make(lambda i: slow(i) if not 10 < i < 16 else None, marks=MARKS)
    drawing = lay_out(chart)
    assert count(drawing, "usual") == 1
    assert count(drawing, "gap") == 1
    assert count(drawing, "line-0") == 2
    assert (count(drawing, "mark-incident"), count(drawing, "mark-action")) == (1, 1)
    said = written(drawing)
    for words in ("Health endpoint: slower since 09:32", "Incident #12", "Run 3: Restart", "1.5 s", "seconds", "UTC"):
        assert words in said
    assert {"09:00", "09:15", "usual", "not measured", "1 Mar 2026"} <= set(said)


def test_lines_differ_by_colour_and_by_style() -> None:
    lines = [Line(name, figures(float)) for name in ("all", "active", "idle")]
    chart, _ = build_chart(METRICS["connections"], "x", lines, [], [], BEGIN, END)
    drawing = lay_out(chart)
    drawn = [one for one in drawing.axes[0].lines if str(one.get_gid()).startswith("line-")]
    assert len({one.get_color() for one in drawn}) == 3
    patterns = {str(one._dash_pattern) for one in drawn}  # type: ignore[attr-defined]
    assert len(patterns) == 3
    assert {"all", "active", "idle"} <= set(written(drawing))


def test_texts_on_the_picture_stay_in_it_and_off_one_another() -> None:
    marks = [
        *MARKS,
        *(Mark(BEGIN + 34 * 60 + n, f"Run {n}: a very long name of an action " * 3, "action") for n in range(3)),
    ]
    chart, _ = make(slow, marks=marks, subject="A database with a very long title " * 5, note="Why not? " * 60)
    drawing = lay_out(chart)
    drawing.canvas.draw()
    boxes = [
        one.get_window_extent()
        for one in drawing.findobj(lambda one: one.get_gid() in ("title", "subtitle", "day", "mark-label", "note"))
    ]
    width, height = drawing.canvas.get_width_height()
    assert len(boxes) > 6
    for index, box in enumerate(boxes):
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


@pytest.mark.parametrize("text", [r"$\frac{a}{b}$ costs 5 $", "a\nb\u0000\u202ec", "漢字 🔥", "x" * 5000, "", "^_{}\\"])
def test_text_is_drawn_as_it_is(text: str) -> None:
    chart, _ = make(slow, marks=[Mark(BEGIN + 600, text, "action")], subject=text, note=text)
    assert draw(chart).startswith(b"\x89PNG")
    assert "\n" not in plain(text)


def test_signs_that_the_font_lacks_are_question_marks() -> None:
    assert plain("$5 漢 – ok\x00\n") == "$5 ? – ok"


@pytest.mark.parametrize(
    "shape",
    [
        lambda i: None, lambda i: 0.0 if i == 5 else None, lambda i: 0.0, lambda i: 1e17 * i, lambda i: -5.0,
        lambda i: 1e-9 * i, lambda i: 5e15 + i,
    ],
)  # fmt: skip
def test_any_figures_can_be_drawn(shape: Shape) -> None:
    for usual in ([], USUAL):
        picture = draw(make(shape, usual, MARKS)[0])
        with Image.open(io.BytesIO(picture)) as image:
            assert image.width == 1200
            assert 600 < image.height < 1200
        assert len(picture) < 250_000


def test_the_same_chart_gives_the_same_picture_on_a_solid_ground() -> None:
    chart, _ = make(slow, marks=MARKS)
    picture = draw(chart)
    assert picture == draw(chart)
    with Image.open(io.BytesIO(picture)) as image:
        assert image.convert("RGBA").getpixel((2, 2)) == (255, 255, 255, 255)


def test_the_description_says_everything() -> None:
    chart, _ = make(lambda i: slow(i) if not 10 < i < 16 else None, marks=MARKS)
    assert chart.alt_text == (
        "Health endpoint: slower since 09:32. Line chart of TraitorTrack: time to answer, 1 Mar 2026, 09:00 to 10:00"
        " UTC. Lowest 45 ms, highest 1.5 s, last 1.5 s at 09:59. Trend: rising. Usual: 39 ms to 52 ms."
        " Not measured: 09:11 to 09:16. Marks: 09:34 Incident #12; 09:45 Run 3: Restart."
    )


@given(st.lists(st.text(max_size=200), max_size=20), st.text(max_size=2000))
@settings(max_examples=30)
def test_the_description_is_one_line_that_slack_takes(labels: list[str], note: str) -> None:
    marks = [Mark(BEGIN + 60 * i, label, "action") for i, label in enumerate(labels)]
    chart, _ = make(slow, marks=marks, note=note)
    assert 0 < len(chart.alt_text) <= LIMIT
    assert "\n" not in chart.alt_text
    assert chart.alt_text.startswith("Health endpoint: slower since 09:32.")


def test_trends() -> None:
    assert find_trend([1, 2, 3, 4, 5, 6]) == "rising"
    assert find_trend([6, 5, 4, 3, 2, 1]) == "falling"
    assert find_trend([5, 5, 5, 5]) == find_trend([1, 9, 1, 9, 1, 9, 1, 9, 1]) == "steady"
    assert find_trend([1, 2]) == ""


def test_a_process_of_its_own_draws_the_same() -> None:
    charts = [make(slow, marks=MARKS)[0], make(lambda i: None)[0]]
    assert render(charts) == [draw(one) for one in charts]


def test_nothing_but_the_drawing_process_loads_what_draws() -> None:
    """The bot itself starts without it, and stays small."""

    def list_users(imported: str) -> set[str]:
        files = {
            path: path.read_text(encoding="utf-8")
            for folder in ("bot", "handlers")
            for path in (ROOT / folder).rglob("*.py")
        }
        return {
            path.name for path, text in files.items() if re.search(rf"^\s*(from|import) {imported}", text, re.MULTILINE)
        }

    assert list_users("matplotlib") == {"drawing.py"}
    assert list_users(r"bot\.diagnostics\.charts\.drawing") == {"__main__.py"}


def test_without_matplotlib_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "can_draw", lambda: False)
    with pytest.raises(ChartsMissing, match="matplotlib is missing"):
        render([make(slow)[0]])
