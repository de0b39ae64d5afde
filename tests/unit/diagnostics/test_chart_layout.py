"""Where labels and ticks of a chart go: labels never overlap, never leave the picture, and figures keep their unit."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.diagnostics.charts.chart import Mark, MarkKind
from bot.diagnostics.charts.layout import Place, choose_time_ticks, choose_value_ticks, place_labels, shorten, wrap
from bot.diagnostics.charts.marking import LANES, RANK, label_marks
from bot.diagnostics.charts.units import choose_scale, show_figure, show_number, show_ticks

LEFT, RIGHT, GAP = 1.0, 8.0, 0.1
ANCHORS = st.lists(st.floats(LEFT, RIGHT), max_size=30)
KINDS: st.SearchStrategy[MarkKind] = st.sampled_from(RANK)
MARKS = st.lists(st.builds(Mark, st.floats(0, 100), st.text("ab $_\n", max_size=60), KINDS), max_size=25)
UNITS = st.sampled_from(["seconds", "bytes", "percent", "count", "per_minute", "per_second", "per_processor"])


def refuse_overlap(placed: list[tuple[Place, float]]) -> None:
    for (one, width), (other, other_width) in combinations(placed, 2):
        apart = one.left + width + GAP <= other.left + 1e-9 or other.left + other_width + GAP <= one.left + 1e-9
        assert one.lane != other.lane or apart
    assert all(place.left >= LEFT and place.left + width <= RIGHT + 1e-9 for place, width in placed)


@given(ANCHORS, st.data())
def test_labels_never_overlap_and_stay_in_the_picture(anchors: list[float], data: st.DataObject) -> None:
    size = st.lists(st.floats(0.01, 9.0), min_size=len(anchors), max_size=len(anchors))
    widths = data.draw(size)
    places = place_labels(anchors, widths, LEFT, RIGHT, GAP, LANES)
    refuse_overlap([(place, width) for place, width in zip(places, widths, strict=True) if place])


@given(MARKS)
def test_every_mark_has_a_line_and_no_label_overlaps(marks: list[Mark]) -> None:
    def fit(text: str) -> tuple[str, float]:
        shown = shorten(text, 3.0, lambda one: 0.1 * len(one))
        return shown, 0.1 * len(shown)

    labels = label_marks(marks, lambda at: LEFT + at * 0.06, LEFT, RIGHT, GAP, fit)
    refuse_overlap([(one.place, fit(one.text)[1]) for one in labels if one.place])
    shown = sum(int(one.text.rpartition("(+")[2].rstrip(")")) if "(+" in one.text else 0 for one in labels)
    assert len(labels) + shown == len(marks) or any("…" in one.text for one in labels)


@given(st.integers(0, 2_000_000_000), st.integers(2, 40 * 86400), st.integers(2, 9))
def test_time_ticks_are_few_round_and_within(since: int, span: int, most: int) -> None:
    ticks = choose_time_ticks(since, since + span, most)
    assert len(ticks) <= most
    assert all(since <= one <= since + span + 1 for one in ticks)
    assert all(abs((later - earlier) - (ticks[1] - ticks[0])) < 1e-6 for earlier, later in pairwise(ticks))


@given(st.floats(-1e15, 1e15), st.floats(0, 1e15), st.integers(2, 8))
def test_value_ticks_span_what_is_shown(low: float, span: float, most: int) -> None:
    ticks = choose_value_ticks(low, low + span, most)
    slack = 1e-6 * max(1.0, abs(low), span)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack
    assert 2 <= len(ticks) <= 2 * most + 2
    assert all(earlier < later for earlier, later in pairwise(ticks))


@given(st.floats(0, 1e9), st.floats(1e-6, 1e9))
def test_ticks_that_differ_are_shown_differently(low: float, span: float) -> None:
    ticks = choose_value_ticks(low, low + max(span, low * 1e-6), 5)
    shown = show_ticks(ticks)
    assert len(set(shown)) == len(shown) or max(map(abs, ticks)) >= 1e9


@given(UNITS, st.floats(-1e18, 1e18))
def test_every_figure_has_words(unit: str, value: float) -> None:
    words = show_figure(unit, value)  # type: ignore[arg-type]
    assert 0 < len(words) <= 40
    assert any(sign.isdigit() for sign in words)


def test_figures_as_people_say_them() -> None:
    assert show_figure("seconds", 0.0451) == "45.1 ms"
    assert show_figure("seconds", 1.742) == "1.74 s"
    assert show_figure("seconds", 90) == "1.5 min"
    assert show_figure("seconds", 0) == "0 s"
    assert show_figure("bytes", 52.1e9) == "52.1 GB"
    assert show_figure("count", 40.1) == "40"
    assert show_figure("count", 1_210_000) == "1.21 million"
    assert show_figure("per_minute", 3.14159) == "3.14 per minute"
    assert show_figure("percent", 0) == "0 %"
    assert choose_scale("bytes", 5e7).name == "megabytes"
    assert show_ticks([1.8, 1.8002, 1.8004]) == ["1.8000", "1.8002", "1.8004"]
    assert show_number(-0.001) == "-0.001"


@given(st.text(max_size=300), st.floats(0.5, 10), st.integers(1, 3))
def test_what_does_not_fit_is_cut(text: str, width: float, most: int) -> None:
    def measure(one: str) -> float:
        return 0.1 * len(one)

    lines = wrap(text, width, most, measure)
    assert len(lines) <= most
    assert all(measure(line) <= width for line in lines)
    if measure(text) <= width:
        assert lines == [" ".join(text.split())]
