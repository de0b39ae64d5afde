"""No value of a statement is shown, whatever surrounds it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.systems.sql_text import hide_values

SECRET = "sesame"
WORDS = st.sampled_from(
    ["SELECT", "x", "FROM", "bag2", '"O\'Brien"', '"a""b"', "(", ")", ",", "=", "::text", "$1", "-", "U&", "e", "€"]
)


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT * FROM bag WHERE id = 42 AND x2 = -1.5e-3", "SELECT * FROM bag WHERE id = ? AND x2 = -?"),
        ("SELECT 'it''s', E'it\\'s', B'101', U&'d\\0061t', N'x'", "SELECT ?, ?, ?, ?, ?"),
        ("SELECT $$a'b$$, $tag$ $$ $tag$, $1", "SELECT ?, ?, $1"),
        ("SELECT/* to: sesame */1 -- sesame\n+ 2", "SELECT ? + ?"),
        ("SELECT /* a /* sesame */ b */ 1", "SELECT ? …"),
        ('SELECT "O\'Brien", U&"d\\0061t" FROM "t""1"', 'SELECT "O\'Brien", U&"d\\0061t" FROM "t""1"'),
        ("SELECT*FROM t WHERE a LIKE'sesame\\' AND b", "SELECT*FROM t WHERE a LIKE? …"),
        ("ALTER ROLE x PASSWORD 'ses", "ALTER ROLE x PASSWORD ?"),
        ("SELECT a$b$c, 'x'", "SELECT a$b$c, ?"),
        ("SELECT 1_000, 0xFF, .5, 1.", "SELECT ?, ?, ?, ?"),
        ("", ""),
    ],
)
def test_statements(statement: str, shown: str) -> None:
    assert hide_values(statement) == shown


def quote(text: str) -> st.SearchStrategy[str]:
    """A value in each of the ways in which PostgreSQL lets one be written, or a comment."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return st.sampled_from(
        [
            "'" + text.replace("'", "''") + "'",
            f"E'{escaped}'",
            f"$${text.replace('$', '')}$$",
            f"$t1${text.replace('$', '')}$t1$",
            f"/*{text.replace('*', '')}*/",
            f"--{text}\n",
        ]
    )


NOISE = st.text(st.characters(exclude_characters="\n\0"), max_size=8)
VALUES = st.builds(lambda before, after: f"{before}{SECRET}{after}", NOISE, NOISE).flatmap(quote)


@given(st.lists(st.one_of(WORDS, VALUES), max_size=12), st.integers(0, 400))
@example(["SELECT", "'a\\' sesame'"], 400)
def test_no_value_is_ever_shown(parts: list[str], cut_at: int) -> None:
    """Statements are cut off by the server wherever their limit falls."""
    statement = " ".join(parts)[:cut_at]
    assert SECRET not in hide_values(statement)
    assert "\n" not in hide_values(statement)


@given(st.text(st.sampled_from("aE'\"$\\/*-t1 \n"), max_size=40))
def test_anything_can_be_read(text: str) -> None:
    assert hide_values(text) == hide_values(hide_values(text)) or "…" in hide_values(text)
