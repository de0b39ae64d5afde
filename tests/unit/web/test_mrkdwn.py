"""What we wrote for Slack, in a browser: our own marks work, and nothing that people wrote does."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.text import literal, show_time
from bot.web.mrkdwn import to_html

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Words(HTMLParser):
    """The text of a piece of HTML, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.tags.add(tag)


@pytest.mark.parametrize(
    ("mrkdwn", "html"),
    [
        (":red_circle: Investigating", '<span class="dot dot--red_circle"></span> Investigating'),
        (":warning: missed", "⚠ missed"),
        (":no_such_sign:", ":no_such_sign:"),
        (f"until {show_time(NOON)}", 'until <time datetime="2026-11-28T12:00:00+00:00">2026-11-28 12:00 UTC</time>'),
        ("*2* wait", "<strong>2</strong> wait"),
        ("<https://a.example/?a=1&amp;b=2|page>", '<a href="https://a.example/?a=1&amp;b=2" rel="noreferrer">page</a>'),
        (literal("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;"),
        (literal("a *b* c"), "a *b* c"),
    ],
)  # fmt: skip
def test_marks(mrkdwn: str, html: str) -> None:
    assert to_html(mrkdwn) == html


@given(st.text(st.characters(codec="utf-8", exclude_characters="\u2060:\r\x00"), max_size=80))
def test_what_people_wrote_is_shown_as_they_wrote_it(text: str) -> None:
    shown = Words(to_html(literal(text)))
    assert shown.tags == set()
    assert shown.text == text


@given(st.text(max_size=80))
def test_nothing_becomes_markup_but_our_own(text: str) -> None:
    assert Words(to_html(text)).tags <= {"time", "a", "strong", "span"}
