"""Addresses of instances in URLs and secrets: only host and port change, whatever the rest holds."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from bot.systems.rds_database import move_url
from bot.systems.secrets import SecretUnusable, fingerprint, move_secret_url, read_url, token_for

words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
hosts = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z0-9]{1,10}){0,3}", fullmatch=True)
ports = st.integers(1, 65535)


@given(words, words, words, hosts, ports, hosts, ports)
def test_a_uri_keeps_role_password_and_database(
    role: str, password: str, database: str, old: str, old_port: int, host: str, port: int
) -> None:
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    url = f"postgresql://{login}@{old}:{old_port}/{quote(database, safe='')}?sslmode=require"
    assert conninfo_to_dict(move_url(url, host, port)) == {
        "user": role, "password": password, "dbname": database, "sslmode": "require", "host": host, "port": str(port),
    }  # fmt: skip


@given(words, words, hosts, ports)
def test_a_conninfo_string_too(role: str, password: str, host: str, port: int) -> None:
    moved = move_url(make_conninfo(user=role, password=password, dbname="d", host="old", port=1), host, port)
    assert conninfo_to_dict(moved) == {
        "user": role, "password": password, "dbname": "d", "host": host, "port": str(port),
    }  # fmt: skip


def test_an_address_of_ipv6_is_bracketed() -> None:
    assert move_url("postgresql://u:p@old/d", "::1", 5432) == "postgresql://u:p@[::1]:5432/d"
    assert conninfo_to_dict(move_url("postgresql://old/d", "::1", 5432))["host"] == "::1"


def test_a_drivers_name_in_a_secret_stays_and_is_not_connected_with() -> None:
    secret = SecretStr("postgresql+psycopg://u:p@old:5432/d")
    assert read_url(secret, "s") == "postgresql://u:p@old:5432/d"
    assert move_secret_url(secret, "s", "new", 1).get_secret_value() == "postgresql+psycopg://u:p@new:1/d"


@pytest.mark.parametrize("text", ["", "hunter2", '{"host": "db"}', "mysql://u:p@h/d", "postgresql:/u"])
def test_what_is_no_url_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SecretUnusable) as refused:
        move_secret_url(SecretStr(text), "the-secret", "new", 1)
    assert "the-secret" in refused.value.words
    assert not text or text not in refused.value.words


@given(words, words)
def test_tokens_are_what_aws_takes_and_one_for_each_run(one: str, other: str) -> None:
    assert 32 <= len(token_for(one)) <= 64
    assert (token_for(one) == token_for(other)) == (one == other)


def test_a_fingerprint_tells_apart_and_tells_nothing() -> None:
    assert fingerprint(SecretStr("a")) != fingerprint(SecretStr("b"))
    assert len(fingerprint(SecretStr("postgresql://u:p@h/d"))) == 12
