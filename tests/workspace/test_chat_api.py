"""chat.* through slack_sdk's own client."""

from __future__ import annotations

import pytest
import requests
from slack_sdk import WebClient

from bot.sandbox.workspace import Workspace
from tests.workspace.conftest import Build, make_client, refusal
from tests.workspace.manifest import make_manifest
from tests.workspace.people import ADA, CLEO, Person


def test_a_post_is_seen_by_people_and_listed_in_history(client: WebClient, room: str, ada: Person) -> None:
    posted = client.chat_postMessage(channel=room, text="Ropes ready")
    assert ada.texts(room)[-1] == "Ropes ready"
    newest = client.conversations_history(channel=room, limit=1)["messages"][0]
    assert (newest["ts"], newest["text"], newest["bot_id"]) == (
        posted["ts"],
        "Ropes ready",
        client.auth_test()["bot_id"],
    )


def test_timestamps_rise_strictly(client: WebClient, room: str) -> None:
    stamps = [client.chat_postMessage(channel=room, text=str(n))["ts"] for n in range(20)]
    assert stamps == sorted(set(stamps))


def test_form_bodies_and_token_parameters_work_as_json_ones(workspace: Workspace, room: str) -> None:
    form = {"token": workspace.installed.bot_token, "channel": room, "blocks": '[{"type":"divider"}]', "text": "x"}
    answer = requests.post(f"{workspace.base_url}/api/chat.postMessage", data=form, timeout=5).json()
    assert answer["ok"]
    assert answer["message"]["blocks"][0]["type"] == "divider"
    assert answer["message"]["blocks"][0]["block_id"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE01", "text": "x"}, "channel_not_found"),
        ({"text": "x"}, "channel_not_found"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"blocks": "[not json"}, "invalid_blocks_format"),
        ({"blocks": [{"type": "carousel"}]}, "invalid_blocks"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": "x", "attachments": [{"shape": "round"}]}, "invalid_attachments"),
        ({"text": "x", "attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
        ({"text": "x", "metadata": {"event_type": "found"}}, "invalid_metadata_schema"),
        ({"text": "x", "metadata": "nope"}, "invalid_metadata_format"),
    ],
)
def test_posting_is_refused(client: WebClient, room: str, arguments: dict[str, object], error: str) -> None:
    if error != "channel_not_found":
        arguments = {"channel": room, **arguments}
    assert refusal(client, "chat.postMessage", **arguments) == error


def test_blocks_of_too_many_characters_in_all_are_refused(client: WebClient, room: str) -> None:
    def sections(characters: int) -> list[dict[str, object]]:
        return [
            {"type": "section", "text": {"type": "plain_text", "text": "x" * min(3000, characters - start)}}
            for start in range(0, characters, 3000)
        ]

    assert client.chat_postMessage(channel=room, text="t", blocks=sections(12_700))["ok"]
    assert refusal(client, "chat.postMessage", channel=room, blocks=sections(13_500)) == "msg_blocks_too_long"


def test_refused_blocks_say_where(client: WebClient, room: str) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    answer = requests.post(
        f"{client.base_url}chat.postMessage",
        json={"channel": room, "blocks": blocks},
        headers={"Authorization": f"Bearer {client.token}"},
        timeout=5,
    ).json()
    where = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == [where]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {where}"]


def test_the_app_posts_only_where_it_is_unless_it_may_post_anywhere(
    build: Build, client: WebClient, general: str
) -> None:
    assert refusal(client, "chat.postMessage", channel=general, text="x") == "not_in_channel"
    other = build(manifest=make_manifest(extra=("chat:write.public",)))
    elsewhere = other.state.channel_named("general")
    assert elsewhere
    assert make_client(other).chat_postMessage(channel=elsewhere.id, text="x")["ok"]


def test_posting_to_a_person_opens_a_direct_message(client: WebClient, ada: Person, ben: Person) -> None:
    posted = client.chat_postMessage(channel=ADA.id, text="Only for you")
    assert posted["channel"].startswith("D")
    assert ada.texts(posted["channel"]) == ["Only for you"]
    assert ben.get("messages", channel=posted["channel"])["error"] == "channel_not_found"
    assert client.conversations_open(users=ADA.id)["channel"]["id"] == posted["channel"]


def test_channels_can_be_named(client: WebClient, room: str) -> None:
    assert client.chat_postMessage(channel="#incidents", text="x")["channel"] == room


def test_replies_count_on_their_parent_and_stay_in_the_thread(client: WebClient, room: str, ada: Person) -> None:
    parent = client.chat_postMessage(channel=room, text="Parent")["ts"]
    reply = client.chat_postMessage(channel=room, text="Reply", thread_ts=parent)["ts"]
    nested = client.chat_postMessage(channel=room, text="To the reply", thread_ts=reply)
    assert nested["message"]["thread_ts"] == parent
    assert [m["text"] for m in client.conversations_replies(channel=room, ts=parent)["messages"]] == [
        "Parent",
        "Reply",
        "To the reply",
    ]
    top = client.conversations_history(channel=room)["messages"][0]
    assert (top["text"], top["reply_count"], top["latest_reply"]) == ("Parent", 2, nested["ts"])
    assert ada.texts(room)[-1] == "Parent"


def test_a_broadcast_reply_is_in_the_channel_too(client: WebClient, room: str, ada: Person) -> None:
    parent = client.chat_postMessage(channel=room, text="Parent")["ts"]
    client.chat_postMessage(channel=room, text="Loud", thread_ts=parent, reply_broadcast=True)
    assert ada.texts(room)[-1] == "Loud"


def test_deleting_a_reply_takes_it_off_the_count(client: WebClient, room: str) -> None:
    parent = client.chat_postMessage(channel=room, text="Parent")["ts"]
    reply = client.chat_postMessage(channel=room, text="Reply", thread_ts=parent)["ts"]
    client.chat_delete(channel=room, ts=reply)
    assert "reply_count" not in client.conversations_history(channel=room)["messages"][0]


def test_an_update_changes_text_and_text_alone_takes_blocks_away(client: WebClient, room: str, ada: Person) -> None:
    ts = client.chat_postMessage(channel=room, text="t", blocks=[{"type": "divider"}])["ts"]
    client.chat_update(channel=room, ts=ts, text="Now just words")
    shown = ada.sees(room)[-1]
    assert shown["text"] == "Now just words"
    assert "blocks" not in shown
    assert shown["edited"]["user"] == client.auth_test()["user_id"]


def test_updates_and_deletions_are_refused(client: WebClient, room: str, ada: Person) -> None:
    hers = ada.say(room, "mine")
    own = client.chat_postMessage(channel=room, text="own")["ts"]
    assert refusal(client, "chat.update", channel=room, ts=hers, text="x") == "cant_update_message"
    assert refusal(client, "chat.update", channel=room, ts="1.000001", text="x") == "message_not_found"
    assert refusal(client, "chat.update", channel=room, ts=own, text="x" * 4001) == "msg_too_long"
    assert refusal(client, "chat.delete", channel=room, ts=hers) == "cant_delete_message"
    client.chat_delete(channel=room, ts=own)
    assert refusal(client, "chat.delete", channel=room, ts=own) == "message_not_found"


def test_an_ephemeral_message_is_for_one_person(client: WebClient, room: str, ada: Person, ben: Person) -> None:
    client.chat_postEphemeral(channel=room, user=ADA.id, text="psst")
    assert ada.texts(room)[-1] == "psst"
    assert ada.sees(room)[-1]["ephemeral"] is True
    assert "psst" not in ben.texts(room)
    assert "psst" not in [m["text"] for m in client.conversations_history(channel=room)["messages"]]
    client.conversations_kick(channel=room, user=CLEO.id)
    assert refusal(client, "chat.postEphemeral", channel=room, user=CLEO.id, text="x") == "user_not_in_channel"


def test_metadata_is_listed_only_when_asked_for(client: WebClient, room: str) -> None:
    metadata = {"event_type": "found", "event_payload": {"id": 7}}
    client.chat_postMessage(channel=room, text="x", metadata=metadata)
    assert "metadata" not in client.conversations_history(channel=room)["messages"][0]
    told = client.conversations_history(channel=room, include_all_metadata=True)["messages"][0]
    assert told["metadata"] == metadata


def test_a_permalink_leads_to_the_page_at_the_message(client: WebClient, room: str) -> None:
    ts = client.chat_postMessage(channel=room, text="x")["ts"]
    link = client.chat_getPermalink(channel=room, message_ts=ts)["permalink"]
    target = requests.get(link, allow_redirects=False, timeout=5).headers["location"]
    assert target == f"/?channel={room}&ts={ts}"
    assert refusal(client, "chat.getPermalink", channel=room, message_ts="1.000001") == "message_not_found"


def test_a_name_of_ones_own_needs_its_scope(build: Build, client: WebClient, room: str) -> None:
    assert client.chat_postMessage(channel=room, text="x", username="Bell")["message"]["username"] == "Bell"
    strict = make_client(build(manifest=make_manifest(without=("chat:write.customize",))))
    channel = strict.conversations_create(name="own")["channel"]["id"]
    assert refusal(strict, "chat.postMessage", channel=channel, text="x", username="Bell") == "missing_scope"
