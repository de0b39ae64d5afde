"""What the page asks for: boot, unread marks, live news, what is typed, the stage."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient

from bot.sandbox.workspace import Workspace
from bot.sandbox.workspace.wording import rewrite_command, rewrite_message
from tests.workspace.conftest import Build
from tests.workspace.modals import button_row
from tests.workspace.people import ADA, BEN, CLEO, Person

Json = dict[str, Any]


class News:
    """A page's event stream, read on a thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._events: queue.Queue[Json] = queue.Queue()
        self._connection = connection
        threading.Thread(target=self._read, daemon=True).start()

    def any(self) -> Json:
        """The next event."""
        return self._events.get(timeout=10)

    def next(self, kind: str, **fields: Any) -> Json:
        """The next event of a kind with these fields."""
        while True:
            event = self.any()
            if event["type"] == kind and fields.items() <= event.items():
                return event

    def _read(self) -> None:
        for line in self._connection.makefile("rb"):
            if line.startswith(b"data: "):
                self._events.put(json.loads(line[6:]))


@contextmanager
def watch(person: Person) -> Iterator[News]:
    host, port = person.workspace.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"GET /client/events?user={person.id} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        news = News(connection)
        news.next("hello")
        yield news
        connection.shutdown(socket.SHUT_RDWR)


def test_boot_says_who_where_and_what(ada: Person) -> None:
    boot = ada.get("boot")
    assert boot["me"]["avatar"]["initials"] == "AB"
    assert {"general", "incidents"} <= {c["name"] for c in boot["channels"]}
    assert [c["im_user"] for c in boot["channels"] if c["is_im"]] == [boot["app"]["bot_user_id"]]
    assert [c["command"] for c in boot["commands"]] == ["/rescue", "/raw"]
    assert [s["type"] for s in boot["shortcuts"]] == ["global", "message"]
    assert boot["usergroups"][0]["users"] == [BEN.id]
    assert boot["emoji"]["fire"] == "🔥"


def test_other_sites_cannot_post_without_asking(workspace: Workspace, general: str) -> None:
    body = json.dumps({"user": ADA.id, "channel": general, "text": "forged"})
    url = f"{workspace.base_url}/client/message"
    answer = requests.post(url, data=body, headers={"Content-Type": "text/plain"}, timeout=5).json()
    assert answer == {"ok": False, "error": "invalid_post_type"}


def test_an_unknown_person_is_refused(ada: Person, workspace: Workspace) -> None:
    assert ada.get("boot", user="U0NOBODY001")["error"] == "user_not_found"
    assert ada.get("boot", user=workspace.installed.bot_user_id)["error"] == "user_not_found"
    url = f"{workspace.base_url}/client/events"
    assert requests.get(url, params={"user": "U0NOBODY001"}, timeout=5).status_code == 404


def test_unread_and_mentions_count_until_read(client: WebClient, room: str, ada: Person, ben: Person) -> None:
    def marks(person: Person) -> tuple[int, int]:
        shown = next(c for c in person.get("boot")["channels"] if c["id"] == room)
        return shown["unread"], shown["mentions"]

    start = ada.say(room, "start")
    ben.post("read", channel=room, ts=start)
    parent = client.chat_postMessage(channel=room, text=f"for <@{BEN.id}>")["ts"]
    client.chat_postMessage(channel=room, text="<!channel> all")
    client.chat_postMessage(channel=room, text="&lt;!channel&gt; is only text")
    client.chat_postMessage(channel=room, text="reply", thread_ts=parent)
    assert marks(ben) == (3, 2)
    assert marks(ada) == (3, 1)
    last = client.chat_postMessage(channel=room, text="<!subteam^S0KEEPERS01>")["ts"]
    assert marks(ben) == (4, 3)
    assert marks(ada) == (4, 1)
    ben.post("read", channel=room, ts=last)
    assert marks(ben) == (0, 0)


def test_what_happens_is_seen_live(client: WebClient, room: str, ada: Person, ben: Person) -> None:
    with watch(ada) as news:
        ts = client.chat_postMessage(channel=room, text="one", blocks=[button_row("go")])["ts"]
        assert news.next("message", channel=room)["message"]["blocks"][0]["elements"][0]["action_id"] == "go"
        assert news.next("unread", channel=room)["unread"] == 1
        client.chat_update(channel=room, ts=ts, text="two")
        assert news.next("message_changed")["message"]["text"] == "two"
        client.chat_postMessage(channel=room, text="reply", thread_ts=ts)
        assert news.next("message", channel=room)["message"]["thread_ts"] == ts
        ben.post("reaction", channel=room, ts=ts, name="eyes", add=True)
        assert news.next("reaction", ts=ts)["reactions"][0]["users"] == [BEN.id]
        client.pins_add(channel=room, timestamp=ts)
        assert news.next("pins", channel=room)["pins"] == [ts]
        client.bookmarks_add(channel_id=room, title="T", type="link", link="https://example.org")
        assert news.next("bookmarks", channel=room)["bookmarks"][0]["title"] == "T"
        client.chat_postEphemeral(channel=room, user=ADA.id, text="psst")
        assert news.next("ephemeral")["message"]["text"] == "psst"
        client.chat_delete(channel=room, ts=ts)
        assert news.next("message_deleted", channel=room)["ts"] == ts
        client.conversations_setTopic(channel=room, topic="Now")
        assert news.next("channel_changed")["channel"]["topic"] == "Now"
        made = client.conversations_create(name="fresh")["channel"]["id"]
        assert news.next("channel_created")["channel"]["id"] == made
        client.conversations_invite(channel=made, users=[ADA.id])
        assert news.next("channel_joined")["channel"]["is_member"] is True
        client.conversations_archive(channel=made)
        assert news.next("channel_archived")["channel"]["is_archived"] is True


def test_what_is_for_others_is_not_seen(client: WebClient, room: str, ada: Person) -> None:
    with watch(ada) as news:
        client.chat_postEphemeral(channel=room, user=CLEO.id, text="for Cleo")
        secret = client.conversations_create(name="vault", is_private=True)["channel"]["id"]
        client.chat_postMessage(channel=secret, text="hidden")
        client.chat_postMessage(channel=BEN.id, text="for Ben")
        client.chat_postMessage(channel=room, text="for all")
        seen = [news.any()]
        while seen[-1].get("message", {}).get("text") != "for all":
            seen.append(news.any())
    shown = json.dumps(seen)
    assert not any(words in shown for words in ("for Cleo", "hidden", "for Ben", "vault"))


def test_views_are_seen_live(client: WebClient, workspace: Workspace, ada: Person) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [{"type": "divider"}]}
    with watch(ada) as news:
        opened = client.views_open(trigger_id=workspace.triggers.issue(ADA.id), view=view)["view"]
        assert news.next("view_opened")["view"]["id"] == opened["id"]
        client.views_push(trigger_id=workspace.triggers.issue(ADA.id), view=view)
        pushed = news.next("view_pushed")["view"]
        client.views_update(view_id=opened["id"], view=view)
        assert news.next("view_updated")["view"]["id"] == opened["id"]
        ada.post("view_close", view_id=pushed["id"])
        assert news.next("view_closed")["view"]["id"] == pushed["id"]
        client.views_publish(user_id=ADA.id, view={"type": "home", "blocks": []})
        assert news.next("home")["view"]["type"] == "home"


def test_older_messages_come_page_by_page(ada: Person, room: str) -> None:
    for number in range(7):
        ada.say(room, str(number))
    newest = ada.get("messages", channel=room, limit=3)
    assert ([m["text"] for m in newest["messages"]], newest["has_more"]) == (["4", "5", "6"], True)
    older = ada.get("messages", channel=room, limit=3, before=newest["messages"][0]["ts"])
    assert [m["text"] for m in older["messages"]] == ["1", "2", "3"]


def test_people_write_only_where_they_are(ada: Person, room: str, client: WebClient) -> None:
    ada.post("leave", channel=room)
    assert ada.post("message", channel=room, text="x")["error"] == "not_in_channel"
    assert ada.post("join", channel=room)["channel"]["is_member"] is True
    assert ada.post("message", channel=room, text="  ")["error"] == "no_text"
    assert ada.post("message", channel=room, text="x" * 40_001)["error"] == "msg_too_long"
    direct = ada.post("dm", **{"with": BEN.id})["channel"]
    assert (direct["is_im"], direct["im_user"]) == (True, BEN.id)
    assert ada.post("channel", name="incidents")["error"] == "name_taken"
    bot = client.auth_test()["user_id"]
    own = ada.post("channel", name="hers", is_private=True)["channel"]["id"]
    assert bot in ada.post("invite", channel=own, invited=bot)["channel"]["members"]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("hi @ben.", "hi <@U0BEN000001>."),
        ("hi @nobody", "hi @nobody"),
        ("mail ada@ben.org", "mail ada@ben.org"),
        ("@keepers!", "<!subteam^S0KEEPERS01|@keepers>!"),
        ("@channel <!channel> a<b & c", "<!channel> &lt;!channel&gt; a&lt;b &amp; c"),
        ("<script>", "&lt;script&gt;"),
        ("<https://example.org|here>", "<https://example.org|here>"),
    ],
)
def test_typed_text_is_rewritten_as_slack_does(workspace: Workspace, typed: str, stored: str) -> None:
    assert rewrite_message(workspace, typed) == stored


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_survives_rewriting(workspace: Workspace, text: str) -> None:
    stored = rewrite_message(workspace, text)
    rewrite_command(workspace, text, should_escape=True)
    if not any(sign in text for sign in "<>@#"):
        assert stored.replace("&amp;", "&") == text


class Lamp:
    """A stage with one light and one scenario."""

    def __init__(self) -> None:
        self.state = "ok"

    def scenarios(self) -> Sequence[Mapping[str, str]]:
        return [{"name": "dark", "title": "Lights out", "description": "Somebody pulls the plug"}]

    def lights(self) -> Sequence[Mapping[str, str]]:
        return [{"name": "lamp", "state": self.state, "detail": ""}]

    def pull(self, name: str) -> str:
        if name == "stuck":
            raise RuntimeError("the switch is stuck")
        if name != "dark":
            raise LookupError(name)
        self.state = "down"
        return "It is dark"


def test_the_stage_is_shown_pulled_and_watched(build: Build) -> None:
    lamp = Lamp()
    ada = Person(build(stage=lamp), ADA)
    assert ada.get("stage")["lights"] == [{"name": "lamp", "state": "ok", "detail": ""}]
    with watch(ada) as news:
        assert ada.post("stage/scenario", name="dark")["message"] == "It is dark"
        assert news.next("stage")["lights"][0]["state"] in ("ok", "down")
        lamp.state = "warning"
        while news.next("stage")["lights"][0]["state"] != "warning":
            pass
    assert ada.post("stage/scenario", name="fire")["error"] == "scenario_not_found"
    assert ada.post("stage/scenario", name="stuck")["error"] == "the switch is stuck"


class FlickeringLamp(Lamp):
    """It is bright again when one looks a second time."""

    def lights(self) -> Sequence[Mapping[str, str]]:
        seen, self.state = super().lights(), "ok"
        return seen


def test_what_is_well_again_before_the_next_look_is_told_of(build: Build) -> None:
    ada = Person(build(stage=FlickeringLamp()), ADA)
    with watch(ada) as news:
        assert news.next("stage")["lights"][0]["state"] == "ok"
        ada.post("stage/scenario", name="dark")
        assert news.next("stage")["lights"][0]["state"] == "down"
        assert news.next("stage")["lights"][0]["state"] == "ok"


def test_without_a_stage_there_is_nothing_to_pull(ada: Person) -> None:
    stage = ada.get("stage")
    assert (stage["scenarios"], stage["lights"]) == ([], [])
