"""Durations, deadlines and losses are read strictly, and written so that they read back."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy.durations import (
    SPELLINGS,
    Deadline,
    format_duration,
    format_loss,
    parse_deadline,
    parse_duration,
    parse_loss,
)

UNITS = ["week", "day", "hour", "minute", "second"]
SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 minutes", timedelta(minutes=5)),
        ("30 min", timedelta(minutes=30)),
        ("1 hour", timedelta(hours=1)),
        ("24 hours", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("300 seconds", timedelta(minutes=5)),
        ("4 weeks", timedelta(days=28)),
        ("0 minutes", timedelta(0)),
        ("  1 Hour  30 Minutes ", timedelta(minutes=90)),
        ("90 minutes", timedelta(minutes=90)),
    ],
)
def test_durations_are_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "5", "minutes", "5 parsecs", "1.5 hours", "-5 minutes", "+5 minutes", "5 minutes!", "1h and 30m",
     "30m1h", "1h1h", "5m 5min", "½ hour", "٥ minutes", "1e3 s", "1000000 weeks", "1 month", "immediate", "5 minutes,",
     5, 5.0, True, None, ["5 minutes"]],
)  # fmt: skip
def test_everything_else_is_refused_with_a_reason(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|unit"):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30_000)))
def test_what_is_written_reads_back(duration: timedelta) -> None:
    whole = timedelta(seconds=int(duration.total_seconds()))
    assert parse_duration(format_duration(duration)) == whole


@given(
    st.lists(st.sampled_from(UNITS), min_size=1, unique=True),
    st.lists(st.integers(0, 999_999), min_size=5, max_size=5),
    st.data(),
)
def test_parts_add_up_from_large_to_small(units: list[str], counts: list[int], data: st.DataObject) -> None:
    ordered = sorted(units, key=UNITS.index)
    parts = list(zip(ordered, counts, strict=False))
    text = "".join(
        f"{data.draw(st.sampled_from(['', ' ']))}{count}{data.draw(st.sampled_from(['', ' ']))}"
        f"{data.draw(st.sampled_from(SPELLINGS[unit]))}"
        for unit, count in parts
    )
    assert parse_duration(text) == timedelta(seconds=sum(SECONDS[unit] * count for unit, count in parts))


@given(st.text())
def test_any_text_is_either_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= timedelta(0)


@pytest.mark.parametrize(
    ("text", "within"),
    [("immediate", timedelta(0)), ("Immediate", timedelta(0)), ("next business day", None), ("next sprint", None)],
)
def test_deadlines_may_be_words(text: str, within: timedelta | None) -> None:
    assert parse_deadline(text) == Deadline(text.lower(), within)


def test_deadlines_may_be_durations_and_show_as_text() -> None:
    assert parse_deadline("120 min") == Deadline("2 hours", timedelta(hours=2))
    assert str(parse_deadline("120 min")) == "2 hours"


@pytest.mark.parametrize("text", ["soon", "next week", "immediately", 5, None])
def test_deadlines_refuse_other_words_and_name_those_allowed(text: object) -> None:
    with pytest.raises(ValueError, match='"immediate", "next business day"'):
        parse_deadline(text)


def test_loss_is_a_duration_or_accepted() -> None:
    assert parse_loss("5 minutes") == timedelta(minutes=5)
    assert parse_loss("acceptable loss") is None
    assert format_loss(None) == "acceptable loss"
    with pytest.raises(ValueError, match='or "acceptable loss"'):
        parse_loss(None)
