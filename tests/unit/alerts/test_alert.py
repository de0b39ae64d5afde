"""What every source is parsed into: whatever strangers write, it can be kept and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts import alert as alert_room
from bot.alerts.alert import clean_link, make_incoming, read_time
from tests.unit.slack.shapes import HOSTILE

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(
    title=ANYTHING, text=ANYTHING, severity=ANYTHING, link=ANYTHING, fingerprint=st.text(max_size=400),
    labels=st.dictionaries(st.text(max_size=30), ANYTHING, max_size=40),
)  # fmt: skip
def test_whatever_is_sent_is_bounded_and_can_be_kept(
    title: Any, text: Any, severity: Any, link: Any, fingerprint: str, labels: dict[str, Any]
) -> None:
    payload = {"title": title, "labels": labels}
    made = make_incoming(
        "generic", fingerprint=fingerprint, title=title, state="firing", at=NOW, text=text, severity=severity,
        labels=labels, link=link, payload=payload,
    )  # fmt: skip
    assert 0 < len(made.title) <= 200
    assert len(made.text) <= 2000
    assert 0 < len(made.fingerprint) <= 200
    assert len(made.labels) <= 30
    for words in (made.title, made.text, made.severity, made.link, *made.labels, *made.labels.values()):
        words.encode()
        assert "\x00" not in words
        assert "\u202e" not in words
    assert "\n" not in made.title


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(text: str) -> None:
    made = make_incoming("generic", fingerprint=text, title=text, state="firing", at=NOW, labels={text: text})
    assert made.title == " ".join(text.replace("\u202e", "").split())


def test_long_fingerprints_stay_apart() -> None:
    first, second = (make_incoming("g", fingerprint="x" * 300 + end, title="t", state="firing", at=NOW) for end in "ab")
    assert first.fingerprint != second.fingerprint


def test_a_large_payload_is_left_out() -> None:
    made = make_incoming("g", fingerprint="f", title="t", state="firing", at=NOW, payload={"x": "y" * 30_000})
    assert list(made.payload) == ["left_out"]
    odd = make_incoming("g", fingerprint="f", title="t", state="firing", at=NOW, payload={"x": "\ud800"})
    assert list(odd.payload) == ["left_out"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01T11:59:00Z", NOW - timedelta(minutes=1)),
        ("2026-03-01T12:59:00.250+0100", NOW - timedelta(seconds=59.75)),
        (1772366340, NOW - timedelta(minutes=1)),
        ("1772366340000", NOW - timedelta(minutes=1)),
        ("2026-03-01T13:00:00Z", NOW),  # ahead of us
        ("0001-01-01T00:00:00Z", NOW),  # Alertmanager's way to say never
        ("2026-03-01T11:59:00", NOW),
        ("yesterday", NOW), (None, NOW), (True, NOW), (float("inf"), NOW), ("9" * 40, NOW), (-1, NOW),
    ],
)  # fmt: skip
def test_times(value: object, expected: datetime) -> None:
    assert read_time(value, NOW) == expected


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", "https://", "https://a b", "https://x|y", "https://x>y", 'https://x"y', "//x", 7, None,
        "https://[", "https://x\u202ey", "x" * 2000, "file:///etc/passwd",
    ],
)  # fmt: skip
def test_what_is_no_link_is_left_out(link: object) -> None:
    assert clean_link(link) == ""


def test_a_link_stays_as_it_is() -> None:
    link = "https://grafana.example.com/d/x?orgId=1&var=host#panel"
    assert clean_link(link) == link
    assert len(link) < alert_room.LINK_LIMIT
