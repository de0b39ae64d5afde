"""Secrets are recognised by their value, by the name beside them, and by their shape; other text stays as it is."""

from __future__ import annotations

import html
import io
import json
import logging
from base64 import b64encode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bot.systems import redaction
from bot.systems.postgres import DatabaseUnreachable, connect
from bot.systems.redaction import HIDDEN, Redactor, learn, redact_log

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
        ("ALTER ROLE app PASSWORD 'it''s geheim' VALID", f"ALTER ROLE app PASSWORD {HIDDEN} VALID"),
        ("CREATE ROLE app PASSWORD 'gehe", f"CREATE ROLE app PASSWORD {HIDDEN}"),
        ("app --token geheim --port 80", f"app --token {HIDDEN} --port 80"),
        ("app --api-key 'ge heim' -v", f"app --api-key {HIDDEN} -v"),
        ("curl -u admin:geheim https://x", f"curl -u admin:{HIDDEN} https://x"),
        ("Set-Cookie: session=geheim; path=/", f"Set-Cookie: {HIDDEN}"),
        ('said \\"api_token\\": \\"geheim\\" to', f'said \\"api_token\\": \\{HIDDEN} to'),
        ("password='geheim und\nINFO well", f"password={HIDDEN}\nINFO well"),
        (r'{"password": "ge\"heim", "name": "x"}', f'{{"password": {HIDDEN}, "name": "x"}}'),
        (r'said "{\"password\": \"ge\\\"heim\", \"x\": 1}"', rf'said "{{\"password\": \{HIDDEN}, \"x\": 1}}"'),
        ('password="geheim\\\nINFO well', f"password={HIDDEN}\nINFO well"),
        (r"{'password': 'ge\'heim', 'x': 1}", f"{{'password': {HIDDEN}, 'x': 1}}"),
        ("postgresql://me:ge@heim@host/db?x=a@b", f"postgresql://me:{HIDDEN}@host/db?x=a@b"),
        (
            "GET /x?X-Amz-Credential=geheim&X-Amz-Signature=geheim&y=1",
            f"GET /x?X-Amz-Credential={HIDDEN}&X-Amz-Signature={HIDDEN}&y=1",
        ),
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
        "New password for traitortrack on db.example.com:5432/traitortrack",
        "SESSION_SECRET from traitortrack/production/session-secret, version 1, fingerprint ab",
        "holdfast secrets export --output x",
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


def test_documents_keep_their_shape(redactor: Redactor) -> None:
    document: JsonValue = {
        "state": "ok",
        "lines": ["password=geheim", 3, None],
        "deep": {"token": "a-long-session-value"},
    }
    assert redactor.redact_all(document) == {
        "state": "ok", "lines": [f"password={HIDDEN}", 3, None], "deep": {"token": HIDDEN}
    }  # fmt: skip


def test_logs_are_written_without(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logging.StreamHandler(written := io.StringIO())
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    redact_log(redactor)
    try:
        raise ValueError("postgresql://me:geheim@host/db")
    except ValueError:
        logging.getLogger("test_redaction").exception("with %s", "a-long-session-value")
    assert "ERROR with [hidden]" in written.getvalue()
    assert "Traceback" in written.getvalue()
    assert "geheim" not in written.getvalue()


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        "x://a:",
        "x://a:b@",
        "password='",
        'password="\\',
        "-u a:",
        "--token ",
        "-----BEGIN PRIVATE KEY-----",
        '\\"',
        "x…",
    ],
)
def test_whatever_a_log_holds_it_is_read_soon(redactor: Redactor, piece: str) -> None:
    """What grows with the square of the length would take minutes; the time limit of the test says so."""
    assert redactor.redact(piece * (200_000 // len(piece)))


@pytest.mark.parametrize("name", ["TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY", "SMTP_PASS", "HOLDFAST_SSH_KEY"])
def test_names_that_say_so_in_other_words(name: str) -> None:
    assert Redactor({name: "9f4c2e0ab7"}, []).redact("it was 9f4c2e0ab7.") == f"it was {HIDDEN}."


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=8, max_size=40),
    st.binary(max_size=4), st.binary(max_size=4),
)  # fmt: skip
def test_a_known_value_is_hidden_however_it_is_written(secret: str, before: bytes, after: bytes) -> None:
    redact = Redactor({"A_SECRET": secret}, []).redact
    ways = [
        secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1],
        secret.replace("'", "''"), html.escape(secret),
    ]  # fmt: skip
    for way in ways:
        assert HIDDEN in redact(f"<{way}>")
    for encode in (b64encode, urlsafe_b64encode):
        assert HIDDEN in redact(encode(before + secret.encode() + after).decode())


def test_what_is_learned_at_the_same_instant_is_all_kept() -> None:
    values = [f"learned-in-a-thread-{number}" for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(learn, values))
    assert set(values) <= redaction._learned


def test_what_a_json_secret_holds_is_hidden_by_itself_and_its_names_are_not() -> None:
    """As Secrets Manager writes one of a database, and one within another."""
    document = {
        "username": "traitortrack", "password": "hunter-22", "engine": "postgres", "port": 5432, "dbname": "bags-db",
        "host": "db.example.com", "keys": [{"of": "sendgrid-key-1"}], "url": "postgresql://me:in-the-url@db/x",
        "a": "b", "database": "traitortrack-copy", "region": "us-east-1",
    }  # fmt: skip
    redactor = Redactor({"PRODUCTION_DATABASE": json.dumps(document)}, ["PRODUCTION_DATABASE"])
    for secret in ("hunter-22", "sendgrid-key-1", "in-the-url"):
        assert redactor.redact(f"it was {secret}!") == f"it was {HIDDEN}!"
    told = "traitortrack of postgres at db.example.com:5432/bags-db in us-east-1, traitortrack-copy, a and b"
    assert redactor.redact(told) == told
    learn('{"password": "learned-from-json"}')
    assert Redactor({}, []).redact("learned-from-json") == HIDDEN
    assert Redactor({"A_SECRET": '{"no json'}, []).redact('{"no json') == HIDDEN


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:pa/hunter2@h/db", "postgresql://me:p@hunter2@h/db", "postgresql://me:hunter2%zz@h/db",
        "postgresql://me:a@[hunter2/db", "postgresql://me:x@h/db?hunter2", "postgresql://me:x@[::1]hunter2/db",
        "host=x password=hunter2 hunter2", "hunter2", "postgresql://me:hunter2%00@h/db",
    ],
)  # fmt: skip
def test_what_libpq_says_of_an_address_that_it_cannot_read_has_nothing_of_it(url: str) -> None:
    with pytest.raises(psycopg.Error) as said:
        psycopg.connect(url, connect_timeout=2)
    assert "hunter2" not in Redactor({}, []).redact(str(said.value))
    with pytest.raises(DatabaseUnreachable) as refused:
        connect(url, connect_timeout_s=2)
    assert "hunter2" not in f"{refused.value.words}{refused.value.__cause__}"
    assert "%2F" in refused.value.words


def test_the_pieces_of_a_password_that_was_not_written_for_a_url_are_hidden() -> None:
    redactor = Redactor({"DATABASE": "postgresql://me:abcdefg/hijklmn@opqrstu@db.example.com/bags"}, [])
    for piece in ("abcdefg", "hijklmn", "opqrstu", "abcdefg/hijklmn@opqrstu"):
        assert redactor.redact(f'port "{piece}" is none') == f'port "{HIDDEN}" is none'
    assert redactor.redact("bags on db.example.com") == "bags on db.example.com"


@pytest.mark.parametrize("length", range(6, 21))
def test_a_secret_that_was_cut_is_hidden_as_far_as_it_goes(redactor: Redactor, length: int) -> None:
    beginning = "a-long-session-value"[:length]
    for after in ("…", "… (cut, 1,234 characters)"):
        assert redactor.redact(f"the first … and {beginning}{after}") == f"the first … and {HIDDEN}{after}"


def test_a_url_that_was_cut_in_its_password(redactor: Redactor) -> None:
    assert redactor.redact("at postgresql://me:geh…") == f"at postgresql://me:{HIDDEN}…"
    for text in ("at http://host:80…", "at http://host:8080/a…", "at http://host…"):
        assert redactor.redact(text) == text
