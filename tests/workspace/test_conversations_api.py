"""conversations.* through slack_sdk's own client."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient

from bot.sandbox.workspace import Workspace
from tests.workspace.conftest import refusal
from tests.workspace.people import ADA, BEN, CLEO, Person


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("Inc-1", "invalid_name_specials"),
        ("inc 1", "invalid_name_specials"),
        ("inc.1", "invalid_name_specials"),
        ("--__", "invalid_name_punctuation"),
        ("incidents", "name_taken"),
    ],
)
def test_names_are_refused(client: WebClient, name: str, error: str) -> None:
    assert refusal(client, "conversations.create", name=name) == error


def test_a_name_of_eighty_characters_is_taken_and_stays_taken_when_archived(client: WebClient) -> None:
    name = "a-1_" + "x" * 76
    made = client.conversations_create(name=name)["channel"]
    assert (made["name"], made["is_member"], made["is_private"]) == (name, True, False)
    client.conversations_archive(channel=made["id"])
    assert refusal(client, "conversations.create", name=name) == "name_taken"


def test_a_private_channel_is_unknown_to_those_outside(client: WebClient, ada: Person) -> None:
    secret = client.conversations_create(name="vault", is_private=True)["channel"]["id"]
    assert ada.get("messages", channel=secret)["error"] == "channel_not_found"
    assert secret not in [c["id"] for c in ada.get("boot")["channels"]]
    client.conversations_invite(channel=secret, users=[ADA.id])
    assert secret in [c["id"] for c in ada.get("boot")["channels"]]


def test_a_private_channel_without_the_app_does_not_exist_for_it(client: WebClient, ada: Person) -> None:
    secret = ada.post("channel", name="whispers", is_private=True)["channel"]["id"]
    assert refusal(client, "conversations.info", channel=secret) == "channel_not_found"
    assert refusal(client, "chat.postMessage", channel=secret, text="x") == "channel_not_found"


def test_a_batch_invitation_is_all_or_nothing(client: WebClient) -> None:
    channel = client.conversations_create(name="crew")["channel"]["id"]
    me = client.auth_test()["user_id"]

    def invite(*users: str) -> str:
        return refusal(client, "conversations.invite", channel=channel, users=",".join(users))

    assert invite(ADA.id, "U0NOBODY001") == "user_not_found"
    assert invite(ADA.id, me) == "cant_invite_self"
    assert client.conversations_members(channel=channel)["members"] == [me]
    client.conversations_invite(channel=channel, users=[ADA.id, BEN.id])
    assert invite(CLEO.id, BEN.id) == "already_in_channel"
    assert invite() == "no_user"
    assert client.conversations_members(channel=channel)["members"] == [me, ADA.id, BEN.id]


def test_a_forced_invitation_brings_in_those_who_can_come(client: WebClient) -> None:
    channel = client.conversations_create(name="crew")["channel"]["id"]
    answer = client.conversations_invite(channel=channel, users=["U0NOBODY001", ADA.id], force=True)
    assert answer["errors"] == [{"user": "U0NOBODY001", "ok": False, "error": "user_not_found"}]
    assert ADA.id in client.conversations_members(channel=channel)["members"]


def test_membership_is_needed_and_joining_twice_is_a_warning(client: WebClient, general: str) -> None:
    assert refusal(client, "conversations.invite", channel=general, users=ADA.id) == "not_in_channel"
    assert refusal(client, "conversations.setTopic", channel=general, topic="x") == "not_in_channel"
    assert refusal(client, "conversations.history", channel=general) == "not_in_channel"
    assert "warning" not in client.conversations_join(channel=general).data
    assert client.conversations_join(channel=general)["warning"] == "already_in_channel"


def test_removing_people(client: WebClient, room: str, workspace: Workspace, general: str) -> None:
    client.conversations_kick(channel=room, user=CLEO.id)
    me = workspace.installed.bot_user_id
    assert CLEO.id not in client.conversations_members(channel=room)["members"]
    assert refusal(client, "conversations.kick", channel=room, user=CLEO.id) == "not_in_channel"
    assert refusal(client, "conversations.kick", channel=room, user=me) == "cant_kick_self"
    assert refusal(client, "conversations.kick", channel=room, user="U0NOBODY001") == "user_not_found"
    client.conversations_join(channel=general)
    assert refusal(client, "conversations.kick", channel=general, user=ADA.id) == "cant_kick_from_general"
    assert refusal(client, "conversations.leave", channel=general) == "cant_leave_general"


def test_leaving(client: WebClient, room: str) -> None:
    assert client.conversations_leave(channel=room)["ok"]
    assert client.conversations_leave(channel=room)["not_in_channel"] is True


def test_topic_and_purpose_have_a_limit_and_are_shown(client: WebClient, room: str, ada: Person) -> None:
    client.conversations_setTopic(channel=room, topic="t" * 250)
    client.conversations_setPurpose(channel=room, purpose="For the worst day")
    assert refusal(client, "conversations.setTopic", channel=room, topic="t" * 251) == "too_long"
    info = client.conversations_info(channel=room)["channel"]
    assert (info["topic"]["value"], info["purpose"]["value"]) == ("t" * 250, "For the worst day")
    shown = next(c for c in ada.get("boot")["channels"] if c["id"] == room)
    assert shown["purpose"] == "For the worst day"


def test_only_own_channels_are_renamed(client: WebClient, room: str) -> None:
    own = client.conversations_create(name="before")["channel"]["id"]
    assert client.conversations_rename(channel=own, name="after")["channel"]["previous_names"] == ["before"]
    assert refusal(client, "conversations.rename", channel=own, name="incidents") == "name_taken"
    assert refusal(client, "conversations.rename", channel=room, name="mine") == "not_authorized"


def test_an_archived_channel_takes_nothing_more(client: WebClient, room: str, general: str, ada: Person) -> None:
    ts = client.chat_postMessage(channel=room, text="last words")["ts"]
    client.conversations_archive(channel=room)
    assert refusal(client, "conversations.archive", channel=room) == "already_archived"
    assert refusal(client, "chat.postMessage", channel=room, text="x") == "is_archived"
    assert refusal(client, "chat.update", channel=room, ts=ts, text="x") == "is_inactive"
    assert refusal(client, "conversations.invite", channel=room, users=ADA.id) == "is_archived"
    assert refusal(client, "conversations.setTopic", channel=room, topic="x") == "is_archived"
    assert ada.post("message", channel=room, text="x")["error"] == "is_archived"
    assert refusal(client, "conversations.archive", channel=general) == "cant_archive_general"


def test_unarchiving(client: WebClient, room: str) -> None:
    assert refusal(client, "conversations.unarchive", channel=room) == "not_archived"
    client.conversations_archive(channel=room)
    client.conversations_unarchive(channel=room)
    assert client.chat_postMessage(channel=room, text="back")["ok"]


def test_lists_are_paged_and_by_type(client: WebClient, room: str) -> None:
    names = {client.conversations_create(name=f"ch-{n}")["channel"]["name"] for n in range(5)}
    client.conversations_create(name="hidden", is_private=True)
    found = [c["name"] for page in client.conversations_list(limit=2) for c in page["channels"]]
    assert sorted(found) == sorted({*names, "general", "incidents"})
    private = client.conversations_list(types="private_channel")["channels"]
    assert [c["name"] for c in private] == ["hidden"]
    client.conversations_archive(channel=room)
    left = client.conversations_list(exclude_archived=True)["channels"]
    assert "incidents" not in [c["name"] for c in left]
    assert refusal(client, "conversations.list", limit=5000) == "invalid_limit"
    assert refusal(client, "conversations.list", cursor="@@") == "invalid_cursor"
    assert refusal(client, "conversations.list", types="rooms") == "invalid_types"
    mine = client.users_conversations(types="public_channel,private_channel")["channels"]
    assert "general" not in [c["name"] for c in mine]


def test_history_pages_do_not_shift_when_messages_arrive(client: WebClient, room: str) -> None:
    for number in range(6):
        client.chat_postMessage(channel=room, text=str(number))
    first = client.conversations_history(channel=room, limit=2)
    client.chat_postMessage(channel=room, text="late")
    second = client.conversations_history(channel=room, limit=2, cursor=first["response_metadata"]["next_cursor"])
    assert [m["text"] for m in first["messages"] + second["messages"]] == ["5", "4", "3", "2"]
    assert first["has_more"] is True


def test_history_between_times(client: WebClient, room: str) -> None:
    stamps = [client.chat_postMessage(channel=room, text=str(n))["ts"] for n in range(4)]
    bounds = {"channel": room, "oldest": stamps[1], "latest": stamps[3]}
    assert [m["text"] for m in client.conversations_history(**bounds)["messages"]] == ["2"]
    inside = client.conversations_history(**bounds, inclusive=True)["messages"]
    assert [m["text"] for m in inside] == ["3", "2", "1"]
    assert refusal(client, "conversations.history", channel=room, oldest="noon") == "invalid_ts_oldest"
    assert refusal(client, "conversations.history", channel=room, limit=1000) == "invalid_limit"
    assert refusal(client, "conversations.replies", channel=room, ts="1.000001") == "thread_not_found"


def test_direct_messages_refuse_what_is_for_channels(client: WebClient, workspace: Workspace) -> None:
    direct = client.conversations_open(users=[ADA.id])["channel"]["id"]
    again = client.conversations_open(users=[ADA.id], return_im=True)
    assert (again["channel"]["id"], again["already_open"], again["channel"]["user"]) == (direct, True, ADA.id)
    code = "method_not_supported_for_channel_type"
    assert refusal(client, "conversations.archive", channel=direct) == code
    assert refusal(client, "conversations.invite", channel=direct, users=BEN.id) == code
    assert refusal(client, "conversations.open", users="U0NOBODY001") == "user_not_found"
