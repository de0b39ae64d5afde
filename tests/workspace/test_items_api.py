"""Pins, bookmarks, reactions and files through slack_sdk's own client."""

from __future__ import annotations

import requests
from slack_sdk import WebClient

from tests.workspace.conftest import refusal
from tests.workspace.people import Person
from tests.workspace.waiting import wait_for


def test_pins(client: WebClient, room: str, ada: Person) -> None:
    ts = client.chat_postMessage(channel=room, text="x")["ts"]
    client.pins_add(channel=room, timestamp=ts)
    assert refusal(client, "pins.add", channel=room, timestamp=ts) == "already_pinned"
    assert [item["message"]["ts"] for item in client.pins_list(channel=room)["items"]] == [ts]
    assert next(c for c in ada.get("boot")["channels"] if c["id"] == room)["pins"] == [ts]
    client.pins_remove(channel=room, timestamp=ts)
    assert refusal(client, "pins.remove", channel=room, timestamp=ts) == "no_pin"
    assert refusal(client, "pins.add", channel=room, timestamp="1.000001") == "message_not_found"
    assert refusal(client, "pins.add", channel=room) == "no_item_specified"


def test_pins_need_membership(client: WebClient, general: str, ada: Person) -> None:
    ts = ada.say(general, "hello")
    assert refusal(client, "pins.add", channel=general, timestamp=ts) == "not_in_channel"


def test_bookmarks(client: WebClient, room: str, ada: Person) -> None:
    added = client.bookmarks_add(channel_id=room, title="Guide", type="link", link="https://example.org/a")
    mark = added["bookmark"]["id"]
    client.bookmarks_edit(bookmark_id=mark, channel_id=room, title="Handbook")
    shown = next(c for c in ada.get("boot")["channels"] if c["id"] == room)["bookmarks"]
    assert shown == [{"id": mark, "title": "Handbook", "link": "https://example.org/a", "emoji": ""}]
    client.bookmarks_remove(bookmark_id=mark, channel_id=room)
    assert client.bookmarks_list(channel_id=room)["bookmarks"] == []
    bad = {"channel_id": room, "title": "T", "type": "link", "link": "ftp://example.org"}
    assert refusal(client, "bookmarks.add", **bad) == "invalid_link"
    assert refusal(client, "bookmarks.add", **{**bad, "type": "folder"}) == "invalid_bookmark_type"
    assert refusal(client, "bookmarks.edit", channel_id=room, bookmark_id=mark, title="x") == "not_found"
    assert refusal(client, "bookmarks.add", channel_id="C0NOWHERE01", title="x") == "channel_not_found"


def test_a_channel_holds_a_hundred_bookmarks(client: WebClient, room: str) -> None:
    fields = {"channel_id": room, "title": "T", "type": "link", "link": "https://example.org"}
    for _ in range(100):
        client.bookmarks_add(**fields)
    assert refusal(client, "bookmarks.add", **fields) == "too_many_bookmarks"


def test_reactions(client: WebClient, room: str, ada: Person) -> None:
    ts = ada.say(room, "x")
    client.reactions_add(channel=room, timestamp=ts, name="eyes")
    assert refusal(client, "reactions.add", channel=room, timestamp=ts, name="eyes") == "already_reacted"
    assert ada.post("reaction", channel=room, ts=ts, name="eyes", add=True)["ok"]
    assert ada.sees(room)[-1]["reactions"][0]["count"] == 2
    client.reactions_remove(channel=room, timestamp=ts, name="eyes")
    assert refusal(client, "reactions.remove", channel=room, timestamp=ts, name="eyes") == "no_reaction"
    assert client.reactions_get(channel=room, timestamp=ts)["message"]["reactions"][0]["users"] == [ada.id]
    assert refusal(client, "reactions.add", channel=room, timestamp=ts, name="No Name") == "invalid_name"
    assert refusal(client, "reactions.add", channel=room, timestamp="1.000001", name="x") == "message_not_found"


def test_a_file_is_uploaded_shared_previewed_and_fetched(client: WebClient, room: str, ada: Person) -> None:
    text = "# Report\n" + "line\n" * 1000
    shared = client.files_upload_v2(channel=room, content=text, filename="report.md", title="R", initial_comment="Here")
    message = wait_for(lambda: [m for m in ada.sees(room) if m.get("files")], "file")[-1]
    assert message["text"] == "Here"
    shown = message["files"][0]
    assert (shown["name"], shown["title"], shown["size"]) == ("report.md", "R", len(text))
    assert shown["preview"] == text[:2000]
    assert requests.get(shown["url_private"], timeout=5).text == text
    plain = shared["file"]["url_private"]
    assert requests.get(plain, timeout=5).status_code == 403
    assert requests.get(plain, headers={"Authorization": f"Bearer {client.token}"}, timeout=5).text == text
    assert client.files_info(file=shared["file"]["id"])["file"]["title"] == "R"
    assert [f["id"] for f in client.files_list(channel=room)["files"]] == [shared["file"]["id"]]


def test_a_file_goes_into_a_thread(client: WebClient, room: str) -> None:
    parent = client.chat_postMessage(channel=room, text="Parent")["ts"]
    client.files_upload_v2(channel=room, content="x", filename="a.txt", thread_ts=parent)
    assert client.conversations_replies(channel=room, ts=parent)["messages"][1]["files"][0]["name"] == "a.txt"


def test_an_image_has_a_thumbnail(client: WebClient, room: str, ada: Person) -> None:
    client.files_upload_v2(channel=room, content=b"\x89PNG\r\n", filename="graph.png", alt_txt="A graph")
    shown = ada.sees(room)[-1]["files"][0]
    assert shown["thumb"].startswith("http")
    assert shown["alt_txt"] == "A graph"
    assert "preview" not in shown


def test_files_are_refused(client: WebClient, room: str, general: str) -> None:
    assert refusal(client, "files.getUploadURLExternal", filename="a", length=0) == "invalid_arguments"
    long = "x" * 1001
    assert refusal(client, "files.getUploadURLExternal", filename="a", length=1, alt_txt=long) == "alt_txt_too_large"
    expected = client.files_getUploadURLExternal(filename="a.txt", length=3)
    files = [{"id": expected["file_id"]}]
    assert refusal(client, "files.completeUploadExternal", files=files) == "file_not_found"
    assert requests.post(expected["upload_url"], data=b"four", timeout=5).status_code == 400
    assert requests.post(expected["upload_url"], data=b"yes", timeout=5).status_code == 200
    assert refusal(client, "files.completeUploadExternal", files=files, channel_id=general) == "not_in_channel"
    assert refusal(client, "files.completeUploadExternal", files=files, channel_id="C0X") == "invalid_channel"
    assert refusal(client, "files.info", file=expected["file_id"]) == "file_not_found"
    client.files_completeUploadExternal(files=files, channel_id=room)
    client.files_delete(file=expected["file_id"])
    assert refusal(client, "files.info", file=expected["file_id"]) == "file_not_found"


def test_a_person_uploads_a_file(room: str, ada: Person) -> None:
    sent = requests.post(
        f"{ada.workspace.base_url}/client/upload",
        data={"user": ada.id, "channel": room},
        files={"file": ("notes.txt", b"careful")},
        timeout=5,
    ).json()
    assert sent["ok"]
    assert ada.sees(room)[-1]["files"][0]["preview"] == "careful"
