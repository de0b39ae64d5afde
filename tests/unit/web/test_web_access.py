"""Links and visits: for one person, until they end, and worth nothing when anything about them was changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.incidents.web_access import WebAccess
from bot.outcome import Refused
from bot.policy import Person, load_policy
from bot.settings import Settings

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
POLICY = load_policy(None)
ENVIRONMENT = {"HOME": "/h", "HOLDFAST_WEB_URL": "https://h.example.com/bot/", "HOLDFAST_WEB_SECRET": "a" * 64}


def make_access(now: datetime = NOON, secret: str = "a" * 64) -> WebAccess:
    settings = Settings.from_environment({**ENVIRONMENT, "HOLDFAST_WEB_SECRET": secret})
    return WebAccess(settings, POLICY, lambda: now)


def find_person(key: str) -> Person:
    person = POLICY.person(key)
    assert person
    return person


def make_token(access: WebAccess, incident: int | None = 7) -> str:
    url, until = access.make_link(find_person("mei"), incident)
    assert url.startswith("https://h.example.com/bot/incidents/enter?token=")
    assert until == NOON + timedelta(hours=12)
    return parse_qs(urlsplit(url).query)["token"][0]


def test_a_link_opens_a_visit_for_its_person_that_ends_when_the_link_does() -> None:
    access = make_access()
    leave = access.read_link(make_token(access))
    assert leave
    assert (leave.person.key, leave.incident, leave.until) == ("mei", 7, NOON + timedelta(hours=12))
    for later, good in ((timedelta(hours=11, minutes=59), True), (timedelta(hours=12), False)):
        visit = make_access(NOON + later).read_visit(access.sign_visit(leave))
        assert (visit is not None and visit.person.key == "mei") == good
        assert (make_access(NOON + later).read_link(make_token(access)) is not None) == good


def test_a_link_is_no_visit_and_a_visit_no_link() -> None:
    access = make_access()
    token = make_token(access)
    leave = access.read_link(token)
    assert leave
    assert access.read_visit(token) is None
    assert access.read_link(access.sign_visit(leave)) is None


@given(st.integers(min_value=0), st.characters(codec="utf-8"))
def test_no_sign_of_a_link_can_be_changed(place: int, sign: str) -> None:
    access = make_access()
    token = make_token(access)
    place %= len(token)
    changed = f"{token[:place]}{sign}{token[place + 1 :]}"
    if changed != token and place < len(token) - 1:  # the last sign of base64 has bits that mean nothing
        assert access.read_link(changed) is None


@given(st.text())
def test_what_is_no_link_opens_nothing(token: str) -> None:
    assert make_access().read_link(token) is None
    assert make_access().read_visit(token) is None


def test_another_secret_ends_every_link() -> None:
    token = make_token(make_access())
    assert make_access(secret="b" * 64).read_link(token) is None


def test_who_has_left_the_policy_is_let_in_no_more() -> None:
    access = make_access()
    leave = access.read_link(make_token(access))
    assert leave
    others = [one for one in POLICY.people if one.key != "mei"]
    smaller = WebAccess(Settings.from_environment(ENVIRONMENT), POLICY.model_copy(update={"people": others}))
    assert smaller.read_link(make_token(access)) is None
    assert smaller.read_visit(access.sign_visit(leave)) is None


@pytest.mark.parametrize("name", ["HOLDFAST_WEB_URL", "HOLDFAST_WEB_SECRET"])
def test_without_either_variable_there_are_no_links_and_it_says_which(name: str) -> None:
    access = WebAccess(Settings.from_environment({**ENVIRONMENT, name: ""}), POLICY)
    assert not access.is_on
    with pytest.raises(Refused, match=f"off: {name} is not set"):
        access.make_link(find_person("mei"))


def test_the_secret_is_shown_nowhere() -> None:
    settings = Settings.from_environment(ENVIRONMENT)
    assert settings.web_secret == SecretStr("a" * 64)
    assert "a" * 32 not in f"{settings!r} {settings}"
