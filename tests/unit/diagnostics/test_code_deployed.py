"""What is said of the code on a host: how long it has been there, and whether the trouble came with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.code_deployed import CHECK, judge_host
from bot.policy import Host, load_policy
from bot.systems.hosts.command import Output
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.releases import list_deploys, merge_deploys

POLICY = load_policy(None)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Answering:
    """A machine whose programs always answer the same."""

    title = "app 1"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def run(self, words: list[str], timeout_s: float, cancelled: object = None, sent: object = None) -> Output:
        return Output(0, json.dumps(self.answer), "")


def seen(current: str | None = "b2", minutes_ago: float = 60, **more: JsonValue) -> dict[str, JsonValue]:
    since = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    answer: dict[str, JsonValue] = {
        "current": current, "since": since if current else None, "plain": None, "running": {"b2": 2},
        "previous": "a1",
        "releases": [{"name": "b2", "tags": ["v1.3.0"]}, {"name": "a1", "tags": []}],
        "history": [{"at": since, "release": "b2", "before": "a1"}],
    }  # fmt: skip
    return {**answer, **more}


def host(answer: object, key: str = "app_1") -> OpenHost:
    described = Host(title=f"Server {key}", application="traitortrack", reach="local")
    return OpenHost(key, described, POLICY.applications["traitortrack"], Answering(answer))


def judge(answer: dict[str, JsonValue], began: datetime | None = None) -> tuple[str, str, list[str]]:
    point = judge_host(host(answer), answer, began, NOW)
    return point.state, point.words, [one.action for one in point.suggests]


def test_what_came_minutes_before_the_trouble_is_suspected_and_can_be_rolled_back() -> None:
    state, words, actions = judge(seen(minutes_ago=14), NOW - timedelta(minutes=10))
    assert (state, actions) == ("warning", ["roll_back_code"])
    assert "v1.3.0 (b2)" in words
    assert "deployed 4 min before the trouble began" in words


def test_the_first_release_of_a_server_is_no_change() -> None:
    assert judge(seen(minutes_ago=14, previous=None), NOW - timedelta(minutes=10))[0] == "ok"


@pytest.mark.parametrize("minutes_ago", [5, 600])
def test_what_came_later_or_long_before_is_not(minutes_ago: float) -> None:
    assert judge(seen(minutes_ago=minutes_ago), NOW - timedelta(minutes=10))[0] == "ok"
    assert judge(seen(minutes_ago=minutes_ago))[0] == "ok"


def test_a_service_that_does_not_start_in_the_current_release_is_told() -> None:
    assert "nothing works in it" in judge(seen(running={"a1": 2}))[1]
    assert judge(seen(running={}))[0] == "warning"
    assert judge(seen(running=None))[0] == "ok", "a host that does not show it says nothing"


def test_code_from_before_there_were_releases_is_named() -> None:
    state, words, _ = judge(seen(None, plain={"name": "a1-as-found", "revision": "a1", "migrations": []}))
    assert (state, "a1-as-found" in words) == ("ok", True)


def test_hosts_that_do_not_run_the_same_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = [host(seen(), "one"), host(seen("a1", running={"a1": 1}), "two"), host(["nonsense"], "three")]
    monkeypatch.setattr(Surroundings, "hosts", lambda self: hosts)
    found = CHECK.run(Surroundings(POLICY, {}, lambda: NOW, "traitortrack"))
    assert found.state in ("warning", "unknown")
    assert any("do not run the same: a1, b2" in line for line in found.evidence)
    assert any("Server three" in line for line in found.evidence)


def test_the_deploy_log_has_a_rolling_deployment_once() -> None:
    notes: list[JsonValue] = [
        {"at": f"2026-03-01T10:0{minute}:00+00:00", "release": release, "before": None}
        for minute, release in enumerate(["a1", "a1", "b2", "b2", "a1"])
    ]
    assert [(one.at.minute, one.release) for one in merge_deploys(notes)] == [(0, "a1"), (2, "b2"), (4, "a1")]
    assert [one.release for one in list_deploys([host(seen()), host(["nonsense"])])] == ["b2"]
    assert list_deploys([]) == []


@given(st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from("abc")), max_size=20))
def test_any_deploy_log_is_in_order_and_without_repeats(switches: list[tuple[int, str]]) -> None:
    notes: list[JsonValue] = [
        {"at": (NOW + timedelta(milliseconds=after)).isoformat(), "release": name, "before": None}
        for after, name in switches
    ]
    merged = merge_deploys(notes)
    assert [one.at for one in merged] == sorted(one.at for one in merged)
    assert all(one.release != two.release for one, two in pairwise(merged))
