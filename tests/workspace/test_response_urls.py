"""response_url: who sees the answer, what it replaces, when it is refused."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from slack_sdk import WebClient

from bot.sandbox.workspace import Workspace
from tests.workspace.conftest import Build, Clock, channel_id
from tests.workspace.people import ADA, Person


def send(url: str, **body: Any) -> requests.Response:
    return requests.post(url, json=body, timeout=5)


@pytest.fixture
def url(workspace: Workspace, room: str) -> str:
    """As if Ada had used a command in the room."""
    return workspace.issue_response_url(ADA.id, room)


def test_an_answer_is_ephemeral_unless_it_says_otherwise(url: str, room: str, ada: Person, ben: Person) -> None:
    assert send(url, text="for her").text == "ok"
    send(url, text="for all", response_type="in_channel")
    assert ada.texts(room)[-2:] == ["for her", "for all"]
    assert ben.texts(room)[-1:] == ["for all"]
    assert "for her" not in ben.texts(room)


def test_an_answer_can_go_into_a_thread(url: str, room: str, ada: Person) -> None:
    parent = ada.say(room, "Parent")
    send(url, text="inside", response_type="in_channel", thread_ts=parent)
    assert [m["text"] for m in ada.sees(room, thread_ts=parent)] == ["Parent", "inside"]


def test_the_original_is_replaced_or_deleted(workspace: Workspace, client: WebClient, room: str, ada: Person) -> None:
    ts = client.chat_postMessage(channel=room, text="old", blocks=[{"type": "divider"}])["ts"]
    url = workspace.issue_response_url(ADA.id, room, ts)
    send(url, text="new", replace_original=True)
    assert (ada.sees(room)[-1]["text"], ada.sees(room)[-1].get("blocks")) == ("new", None)
    send(url, delete_original=True)
    assert "new" not in ada.texts(room)


def test_bad_bodies_are_refused(url: str) -> None:
    assert send(url, blocks=[{"type": "carousel"}]).json()["error"] == "invalid_blocks"
    refused = requests.post(url, data="{", timeout=5)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_payload")


def test_it_lives_thirty_minutes(build: Build) -> None:
    clock = Clock()
    workspace = build(clock=clock)
    url = workspace.issue_response_url(ADA.id, channel_id(workspace, "general"))
    clock.now_s += 1800
    assert send(url, text="x").status_code == 200
    clock.now_s += 1
    assert send(url, text="x").json()["error"] == "expired_url"
    assert send(f"{url}x", text="x").status_code == 404
