"""Secrets are recognised by their value, by the name beside them, and by their shape; other text stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.systems.redaction import HIDDEN, Redactor

ENVIRONMENT = {
    "PRODUCTION_DATABASE_URL": "postgresql://app:p%40ss-w0rd-1@db.example.com/traitortrack",
    "SESSION_SECRET": "a-long-session-value",
    "GREETING": "good morning",
    "ADMIN": "listed-in-the-policy",
}


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(ENVIRONMENT, ["ADMIN"])


@pytest.mark.parametrize(
    "secret",
    [
        "a-long-session-value",
        "p%40ss-w0rd-1",
        "p@ss-w0rd-1",
        "listed-in-the-policy",
        "xoxb-123456789012-abcdefghijkl",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "SG.abcdefghijklmnopqrst.abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    ],
)
def test_values_and_shapes(redactor: Redactor, secret: str) -> None:
    for text in (secret, f"it failed with {secret}, again", f'{{"value": "{secret}"}}', f"<{secret}>\n"):
        assert secret not in redactor.redact(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:geheim@host/db", f"postgresql://me:{HIDDEN}@host/db"),
        ("PGPASSWORD=geheim pg_dump", f"PGPASSWORD={HIDDEN} pg_dump"),
        ('{"api_key": "geheim und mehr", "name": "x"}', f'{{"api_key": {HIDDEN}, "name": "x"}}'),
        ("password: geheim", f"password: {HIDDEN}"),
        ("Authorization: Bearer abcdefgh12345", f"Authorization: {HIDDEN}"),
    ],
)
def test_names_and_places(redactor: Redactor, text: str, shown: str) -> None:
    assert redactor.redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "good morning",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:traitortrack/production/session-secret-AbCdEf",
        "the password of amara has expired",
        "2,000 rows in 3 tables, 14:05:01 UTC",
        "s3://traitortrack-backups/database/traitortrack_20261123T020000Z_run12.manifest.json",
        "https://traitortrack.example.com/health answered 200",
    ],
)
def test_what_is_no_secret_stays(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text) == text


@given(st.text(alphabet="ab:/@ =\n\"'", max_size=60), st.text(alphabet="ab:/@ =\n\"'", max_size=60))
def test_a_known_value_is_never_left(before: str, after: str) -> None:
    redactor = Redactor(ENVIRONMENT, ["ADMIN"])
    assert "a-long-session-value" not in redactor.redact(f"{before}a-long-session-value{after}")
