"""Names of channels: whatever the title, Slack takes them, and prefix and number can be read in them."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.comms.room import channel_names
from tests.unit.slack import rows, shapes

PREFIXES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,19}", fullmatch=True)


@given(PREFIXES, st.integers(1, 2**31 - 1), shapes.texts() | st.text())
def test_every_name_is_one_that_slack_takes(prefix: str, number: int, title: str) -> None:
    names = list(islice(channel_names(prefix, rows.make_incident(id=number, title=title)), 120))
    for name in names:
        assert re.fullmatch(r"[a-z0-9_-]{1,80}", name)
        assert re.match(rf"{re.escape(prefix)}-{number}(?:-|$)", name)
        assert not name.endswith("-")
    assert len(set(names)) >= len(names) - 1, "at most the title itself looks like a later name"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Database connection failure", "inc-7-database-connection-failure"),
        ("  Café <!channel> *DOWN*!! ", "inc-7-cafe-channel-down"),
        ("مرحبا", "inc-7"),
        ("👩 2 + 2", "inc-7-2-2"),
        ("x" * 300, f"inc-7-{'x' * 74}"),
    ],
)
def test_the_first_name(title: str, name: str) -> None:
    assert next(channel_names("inc", rows.make_incident(title=title))) == name
