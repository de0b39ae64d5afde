"""What is told of a secret's value: placeholders are found however they are written, and real values are left alone."""

from __future__ import annotations

from secrets import token_hex, token_urlsafe

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnostics.secret_traits import find_flaw, leads_here, list_former
from bot.policy import load_policy
from bot.systems.secrets import Secret

SECRETS = load_policy(None).secrets
SESSION, ADMIN, SENDER, URL = "SESSION_SECRET", "ADMIN_PASSWORD", "SENDGRID_FROM_EMAIL", "PRODUCTION_DATABASE_URL"


def flaw(text: str, variable: str = SESSION, before: str | None = None) -> str:
    found = find_flaw(variable, SECRETS[variable], text, before)
    return found.words if found else ""


@pytest.mark.parametrize(
    "text",
    [
        "changeme", "CHANGE_ME", "change-me-please", "ChangeMe123!", '"changeme"', "TODO", "todo: ask Mei", "TBD",
        "xxx", "XXXXXXXXXXXXXXXXXXXXXXXX", "SG.xxxxxxxxxxxxxxxx", "********", "----", "<secret>", "<your api key>",
        "${SESSION_SECRET}", "{{ session_secret }}", "your-api-key-here", "REPLACE_ME", "placeholder", "none", "N/A",
        "undefined", "[hidden]", "REDACTED", "SESSION_SECRET", "session-secret", "password", "Password1", "secret",
        "admin", "123456789", "fixme", "insert key here",
    ],
)  # fmt: skip
def test_a_placeholder_is_found_however_it_is_written(text: str) -> None:
    assert flaw(text) == "holds a placeholder, or what anybody would guess"


@pytest.mark.parametrize("text", ["", " \n", '""', "{}", "null"])
def test_nothing_is_no_value(text: str) -> None:
    assert flaw(text) == "is empty"


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("correct horse battery staple", ADMIN), ("Tr0ub4dor", ADMIN), ("a@b.de", SENDER),
        ("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", "SENDGRID_API_KEY"),
        ("postgresql://traitortrack:changed-1@db.example.com/traitortrack", URL), ("-----BEGIN KEY-----\nMII", ADMIN),
    ],
)  # fmt: skip
def test_what_may_be_right_is_left_alone(text: str, variable: str) -> None:
    assert flaw(text, variable) == ""


@given(st.integers(16, 64))
def test_what_is_made_at_random_is_never_taken_for_a_placeholder(size: int) -> None:
    assert flaw(token_urlsafe(size)) == flaw(token_hex(size)) == ""


def test_too_short_and_much_shorter_than_it_was() -> None:
    assert flaw("k3J-x9_Q").startswith("has 8 characters, fewer than 16")
    assert flaw("k3J-x9_Q", ADMIN) == ""
    assert flaw("k3J-x9", ADMIN).startswith("has 6 characters, fewer than 8")
    assert "the version before it 64" in flaw("k3J-x9_Qk3J-x9_Q", before="a1" * 32)
    assert flaw("k3J-x9_Q" * 4, before="a1" * 32) == ""


@given(st.text(min_size=1))
def test_nothing_of_a_value_is_told(text: str) -> None:
    """The words are the same for every value of its length."""
    words = flaw(text)
    bare = text.strip().strip("\"'").strip()
    assert words in ("", "is empty", "holds a placeholder, or what anybody would guess") or words == flaw(
        "k3J-x9_Qk3J-x9_Q"[: len(bare)]
    )


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("[::1]", True), ("0.0.0.0", True),
        ("", True), ("db.localhost", True), ("db.example.com", False), ("10.0.0.5", False), ("localhost.evil", False),
    ],
)  # fmt: skip
def test_where_a_url_leads(host: str, here: bool) -> None:
    assert leads_here(f"postgresql://traitortrack:x@{host}/traitortrack") is here


def test_the_version_before_comes_first_and_those_without_a_label_not_at_all() -> None:
    labels = {"a": ("holdfast-before-run1-aa",), "b": ("AWSCURRENT",), "c": ("AWSPREVIOUS",), "d": ()}
    assert list_former(Secret("s", labels, None, rotates=False)) == ["c", "a"]
