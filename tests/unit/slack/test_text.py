"""Text on its way to Slack and back: never obeyed, never longer than allowed, never changed in meaning."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import text
from bot.words import show_count
from tests.unit.slack.shapes import moments, texts

UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
JOINER = "\u2060"


@given(texts())
def test_what_is_escaped_comes_back(written: str) -> None:
    assert text.unescape(text.escape(written)) == written


@given(texts())
def test_what_is_escaped_is_not_obeyed(written: str) -> None:
    for shown in (text.escape(written), text.literal(written), text.code(written).strip("`")):
        assert "<" not in shown
        assert ">" not in shown
        assert re.sub(r"&(amp|lt|gt);", "", shown).count("&") == 0


@given(texts())
def test_literal_shows_every_sign_and_opens_no_format(written: str) -> None:
    shown = text.literal(written)
    assert text.unescape(shown.replace(JOINER, "")) == written.replace(JOINER, "")
    for sign in re.finditer(r"(?:^|[^A-Za-z0-9])([*_~])|`", shown):
        place = sign.end() - 1
        assert shown[place - 1] == JOINER
        assert shown[place + 1] == JOINER


@given(texts())
def test_bold_ends_where_the_name_ends(written: str) -> None:
    shown = text.strong(written)
    assert text.unescape(shown.replace(JOINER, "")).strip("*") == written.replace(JOINER, "").strip("*")
    assert "*" not in shown or "*" in written or (shown[0], shown[-1], shown.count("*")) == ("*", "*", 2)


@pytest.mark.parametrize(("written", "shown"), [("Bags", "*Bags*"), ("a*b", "a*b"), ("", ""), (" ", " ")])
def test_bold_where_nothing_would_end_it(written: str, shown: str) -> None:
    assert text.strong(written) == shown


@given(texts())
def test_code_cannot_be_left(written: str) -> None:
    shown = text.code(written)
    assert shown.startswith("```")
    assert shown.endswith("```")
    assert "```" not in shown[3:-3]


@given(texts(), st.integers(1, 5000))
def test_a_cut_keeps_the_limit_and_says_what_it_did(written: str, limit: int) -> None:
    shown = text.cut(written, limit)
    assert len(shown) <= limit
    if len(written) <= limit:
        assert shown == written
    else:
        assert "…" in shown
        assert limit < 60 or f"{len(written):,} characters" in shown


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("<@U123|mei>", "@mei"),
        ("<@U123>", "@U123"),
        ("<#C123|general>", "#general"),
        ("<#C123|>", "#C123"),
        ("<!channel>", "@channel"),
        ("<!here|here>", "@here"),
        ("<!subteam^S123|@keepers>", "@keepers"),
        ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_what_slack_makes_of_typed_words_is_undone(sent: str, typed: str) -> None:
    assert text.unescape(sent) == typed


@given(st.text())
def test_unescaping_takes_anything(sent: str) -> None:
    text.unescape(sent)
    assert not set(text.unsmart(sent)) & set("“”„‘’–—\u00a0")


def test_curly_signs_become_straight() -> None:
    assert text.unsmart("“a” ‘b’ isn’t – c — d") == "\"a\" 'b' isn't -- c -- d"


def in_seconds(shown: str) -> float:
    pairs = re.findall(r"([\d.]+) (ms|s|min|h|d)", shown)
    return sum(float(amount) * UNITS[unit] for amount, unit in pairs)


@given(st.floats(0, 1e8, allow_nan=False))
def test_durations_are_right_within_the_smaller_of_two_units(seconds: float) -> None:
    shown = text.show_duration(seconds)
    assert 1 <= len(re.findall(r"ms|min|[shd]", shown)) <= 2
    smallest = 86400 / 24 if "d" in shown else 60 if "h" in shown else 1 if seconds >= 10 else 0.1
    assert abs(in_seconds(shown) - seconds) <= smallest


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 ms"), (0.07, "70 ms"), (0.9996, "1.0 s"), (9.99, "10 s"), (59.7, "1 min"), (95, "1 min 35 s"),
     (3600, "1 h"), (3599.8, "1 h"), (90061, "1 d 1 h"), (timedelta(minutes=5), "5 min")],
)  # fmt: skip
def test_durations_in_words(seconds: float | timedelta, shown: str) -> None:
    assert text.show_duration(seconds) == shown


@given(st.integers(0, 10**16))
def test_sizes_stay_short(size_bytes: int) -> None:
    shown = text.show_size(size_bytes)
    assert re.fullmatch(r"\d{1,3} bytes|\d{1,3}\.\d (kB|MB|GB)|\d+\.\d TB", shown), shown


@given(moments())
def test_times_are_shown_in_the_readers_zone(moment: datetime) -> None:
    shown = text.show_time(moment)
    found = re.fullmatch(r"<!date\^(\d+)\^([^|^<>]+)\|([^<>|]+)>", shown)
    assert found
    assert int(found[1]) == int(moment.timestamp())
    assert found[3] == moment.strftime("%Y-%m-%d %H:%M UTC")


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 branches"), (1, "1 branch"), (2, "2 branches"), (1200, "1,200 branches")]
)
def test_one_is_not_many(number: int, shown: str) -> None:
    assert show_count(number, "branch", "branches") == shown
    assert show_count(number, "tag") == f"{number:,} tag{'' if number == 1 else 's'}"
