"""Titles and texts as people write them: kept as written, within bounds, harmless to databases and terminals."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.incidents.desk import Desk
from bot.incidents.text import TEXT_LIMIT, TITLE_LIMIT, clean_line, clean_text, known_word
from bot.outcome import Refused
from tests.unit.slack.shapes import texts

THOROUGH = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
ANYTHING = st.one_of(st.text(), st.text(st.characters(categories=["Cc", "Cs", "Cf", "Zs", "Lu", "Cn"])), texts())
KEPT = (
    "“quotes” – and — dashes", "مرحبا بالعالم", "שלום", "\u200fימין",
    "👩\u200d👩\u200d👧 🏴\U000e0067\U000e007f ❤\ufe0f",
    "全角　空白", "a\u00a0b", "क्\u200dष", "\U0001fae9 \U0001fadc newer than this Python", "<!channel> *b* `c` & %s {0}",
)  # fmt: skip


@given(ANYTHING)
@example("x" * 20_000)
@example("\ud800 lone")
@THOROUGH
def test_texts_never_break(written: str) -> None:
    try:
        cleaned = clean_text(written, "the note", "x")
    except Refused:
        assert not any(unicodedata.category(sign)[0] in "LNSPM" for sign in written)
        return
    cleaned.encode()
    assert len(cleaned) <= TEXT_LIMIT + 100
    assert not {unicodedata.category(sign) for sign in cleaned if sign not in "\n\t"} & {"Cc", "Cs"}
    assert clean_text(cleaned, "the note", "x")[:TEXT_LIMIT] == cleaned[:TEXT_LIMIT], "cleaning again changes nothing"


@pytest.mark.parametrize("written", KEPT)
def test_what_people_write_is_kept(written: str) -> None:
    assert clean_text(written, "the note", "x") == written


def test_line_breaks_are_kept_and_controls_are_not() -> None:
    assert clean_text(" a\r\nb\x00\x1b[31m\n\n\tc\u202ed ", "the note", "x") == "a\nb[31m\n\n\tcd"


def test_a_long_text_is_cut_with_notice() -> None:
    cleaned = clean_text("x" * 12_345, "the note", "x")
    assert cleaned.startswith("x" * TEXT_LIMIT)
    assert "12,345 characters given, 10,000 kept" in cleaned


@given(ANYTHING)
@THOROUGH
def test_titles_are_one_short_line(written: str) -> None:
    try:
        title = clean_line(written, "the title", TITLE_LIMIT, "x")
    except Refused:
        return
    assert 0 < len(title) <= TITLE_LIMIT
    assert title == " ".join(title.split())


@given(title=ANYTHING, note=ANYTHING)
@settings(THOROUGH, max_examples=25)
def test_the_desk_stores_whatever_it_takes(desk: Desk, title: str, note: str) -> None:
    try:
        number = desk.declare(actor="mei", severity="P1", title=title, impact=note, confirmed=True).id
        written = desk.note(number, actor="mei", text=note).text
    except Refused:
        return
    assert written in [entry.text for entry in desk.timeline(number)]


@given(st.text())
@THOROUGH
def test_an_unknown_word_is_always_answered(word: str) -> None:
    with pytest.raises(Refused) as refused:
        known_word(word, ("declare", "resolve"), "a command", "declare")
    assert len(refused.value.words) < 800
