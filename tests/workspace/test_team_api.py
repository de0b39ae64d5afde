"""Tokens, scopes, users, groups, rate limits and faults."""

from __future__ import annotations

import time
from http.client import RemoteDisconnected

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from bot.sandbox.workspace import Workspace
from tests.workspace.conftest import Build, Clock, make_client, refusal
from tests.workspace.manifest import make_manifest
from tests.workspace.people import ADA, BEN, KEEPERS, PEOPLE


def test_tokens(workspace: Workspace) -> None:
    def call(token: str | None, method: str = "auth.test") -> str:
        return refusal(WebClient(token, base_url=f"{workspace.base_url}/api/"), method)

    assert call(None) == "not_authed"
    assert call("xoxb-wrong") == "invalid_auth"
    assert call(workspace.installed.bot_token, "apps.connections.open") == "not_allowed_token_type"
    assert call(workspace.installed.app_token, "users.list") == "not_allowed_token_type"
    assert call(workspace.installed.bot_token, "chat.shout") == "unknown_method"


def test_bodies_that_are_no_objects_are_refused(workspace: Workspace) -> None:
    url = f"{workspace.base_url}/api/auth.test"
    headers = {"Authorization": f"Bearer {workspace.installed.bot_token}", "Content-Type": "application/json"}
    assert requests.post(url, data="{", headers=headers, timeout=5).json()["error"] == "invalid_json"
    assert requests.post(url, data="[]", headers=headers, timeout=5).json()["error"] == "json_not_object"


def test_api_test_echoes_and_fails_on_demand(client: WebClient) -> None:
    assert client.api_test(foo="bar")["args"]["foo"] == "bar"
    assert refusal(client, "api.test", error="my_error") == "my_error"


def test_a_scope_that_the_manifest_does_not_ask_for_is_missing(build: Build) -> None:
    lacking = ("pins:write", "groups:write", "users:read.email")
    client = make_client(build(manifest=make_manifest(without=lacking)))
    with pytest.raises(SlackApiError) as refused:
        client.pins_add(channel="C1", timestamp="1.1")
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "pins:write"
    assert "chat:write" in refused.value.response["provided"].split(",")
    assert refusal(client, "conversations.create", name="p", is_private=True) == "missing_scope"
    assert client.conversations_create(name="p")["ok"]
    assert refusal(client, "users.lookupByEmail", email=ADA.email) == "missing_scope"
    assert "email" not in client.users_info(user=ADA.id)["user"]["profile"]


def test_users(client: WebClient) -> None:
    told = client.users_info(user=BEN.id)["user"]
    assert (told["real_name"], told["tz"], told["tz_offset"]) == ("Ben Ito", "Asia/Tokyo", 9 * 3600)
    assert told["profile"]["email"] == BEN.email
    assert client.users_lookupByEmail(email=BEN.email.upper())["user"]["id"] == BEN.id
    assert client.users_profile_get(user=ADA.id)["profile"]["title"] == "Coordinator"
    everybody = [u for page in client.users_list(limit=2) for u in page["members"]]
    assert {u["id"] for u in everybody} >= {person.id for person in PEOPLE}
    assert sum(u["is_bot"] for u in everybody) == 2
    assert refusal(client, "users.info", user="U0NOBODY001") == "user_not_found"
    assert refusal(client, "users.lookupByEmail", email="nobody@example.org") == "users_not_found"


def test_groups_and_team(client: WebClient) -> None:
    assert client.usergroups_list(include_users=True)["usergroups"][0]["users"] == [BEN.id]
    assert "users" not in client.usergroups_list()["usergroups"][0]
    assert client.usergroups_users_list(usergroup=KEEPERS.id)["users"] == [BEN.id]
    assert refusal(client, "usergroups.users.list", usergroup="S0NONE00001") == "no_such_subteam"
    assert client.team_info()["team"]["id"] == client.auth_test()["team_id"]
    assert client.emoji_list()["emoji"] == {}


def test_rates_are_limited_by_tier_and_by_channel_when_switched_on(build: Build) -> None:
    clock = Clock()
    workspace = build(clock=clock)
    client = make_client(workspace)
    one, other = (client.conversations_create(name=name)["channel"]["id"] for name in ("one", "other"))
    workspace.rates.enabled = True
    for _ in range(3):
        client.chat_postMessage(channel=one, text="x")
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=one, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "3"
    assert client.chat_postMessage(channel=other, text="x")["ok"]
    clock.now_s += 3
    assert client.chat_postMessage(channel=one, text="x")["ok"]
    for _ in range(20):
        client.pins_list(channel=one)
    assert refusal(client, "pins.list", channel=one) == "ratelimited"
    clock.now_s += 60
    assert client.pins_list(channel=one)["ok"]


def test_the_sdk_waits_out_a_rate_limit(build: Build) -> None:
    workspace = build()
    client = make_client(workspace)
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
    channel = client.conversations_create(name="one")["channel"]["id"]
    workspace.rates.enabled = True
    for number in range(4):
        client.chat_postMessage(channel=channel, text=str(number))
    codes = [call.answer.get("error") for call in workspace.recorder.of("chat.postMessage")]
    assert codes.count("ratelimited") == 1
    assert codes.count(None) == 4


def test_a_lost_answer_acts_and_drops_the_connection(workspace: Workspace, client: WebClient, room: str) -> None:
    client.retry_handlers.clear()
    workspace.faults.lose_answer["chat.postMessage"] = 1
    with pytest.raises(RemoteDisconnected):
        client.chat_postMessage(channel=room, text="did it arrive?")
    assert client.conversations_history(channel=room)["messages"][0]["text"] == "did it arrive?"
    assert client.chat_postMessage(channel=room, text="again")["ok"]


def test_calls_fail_on_demand_without_acting(workspace: Workspace, client: WebClient, room: str) -> None:
    workspace.faults.fail_with["chat.postMessage"] = "internal_error"
    assert refusal(client, "chat.postMessage", channel=room, text="lost") == "internal_error"
    assert client.conversations_history(channel=room)["messages"][0].get("text") != "lost"


def test_latency_is_added_to_each_call(build: Build) -> None:
    client = make_client(build(latency_s=0.2))
    start = time.monotonic()
    client.auth_test()
    assert time.monotonic() - start >= 0.2


def test_an_outage_answers_503_and_ends(workspace: Workspace, client: WebClient) -> None:
    workspace.set_outage(True)
    assert requests.post(f"{workspace.base_url}/api/auth.test", timeout=5).status_code == 503
    workspace.set_outage(False)
    assert client.auth_test()["ok"]


def test_calls_are_recorded_without_tokens(workspace: Workspace, client: WebClient) -> None:
    form = {"token": workspace.installed.bot_token, "user": ADA.id}
    requests.post(f"{client.base_url}users.info", data=form, timeout=5)
    recorded = workspace.recorder.of("users.info")[-1]
    assert recorded.arguments == {"user": ADA.id}
    assert recorded.answer["ok"] is True
