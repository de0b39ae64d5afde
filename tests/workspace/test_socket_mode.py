"""Commands, buttons, shortcuts and events over Socket Mode, with real slack-bolt apps."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as dial

from bot.sandbox.workspace import Workspace
from tests.workspace.conftest import make_socket_client
from tests.workspace.modals import button_row
from tests.workspace.people import ADA, CLEO, Person
from tests.workspace.waiting import wait_for

Json = dict[str, Any]


def open_socket(workspace: Workspace) -> ClientConnection:
    opened = make_socket_client(workspace).apps_connections_open(app_token=workspace.installed.app_token)
    return dial(opened["url"])


def receive(socket: ClientConnection, kind: str) -> Json:
    while True:
        message: Json = json.loads(socket.recv(timeout=5))
        if message["type"] == kind:
            return message


def note(told: list[Json], event: Json) -> None:
    told.append(event)


def receive_event(socket: ClientConnection, **fields: Any) -> Json:
    """The next event with these fields."""
    while True:
        envelope = receive(socket, "events_api")
        if fields.items() <= envelope["payload"]["event"].items():
            return envelope


def test_a_command_reaches_the_app_as_slack_sends_it(app: App, ada: Person, general: str) -> None:
    told: list[Json] = []

    @app.command("/rescue")
    def answer(ack: Ack, command: Json) -> None:
        told.append(command)
        ack("On it")

    typed = f"find @ben in #incidents <b> & <@{CLEO.id}>"
    assert ada.post("command", channel=general, command="/rescue", text=typed)["ok"]
    command = told[0]
    assert command["user_id"] == ADA.id
    assert (command["command"], command["channel_name"]) == ("/rescue", "general")
    assert command["text"].startswith("find <@U0BEN000001|ben> in <#C")
    assert command["text"].endswith(f"|incidents> &lt;b&gt; &amp; <@{CLEO.id}|cleo>")
    assert command["response_url"].startswith("http")
    shown = ada.sees(general)[-1]
    assert (shown["text"], shown["ephemeral"]) == ("On it", True)


def test_a_command_without_escaping_gets_the_text_as_typed(app: App, ada: Person, general: str) -> None:
    told: list[str] = []

    @app.command("/raw")
    def answer(ack: Ack, command: Json) -> None:
        told.append(command["text"])
        ack(text="Loud", response_type="in_channel")

    ada.post("command", channel=general, command="/raw", text=f"tell <@{CLEO.id}> & <b>")
    assert told == ["tell @cleo & <b>"]
    assert "ephemeral" not in ada.sees(general)[-1]


def test_a_command_that_is_not_acknowledged_in_time_fails_as_in_slack(app: App, ada: Person, general: str) -> None:
    @app.command("/rescue")
    def ignore() -> None:
        return

    answer = ada.post("command", channel=general, command="/rescue", text="")
    assert answer == {"ok": False, "error": "operation_timeout"}
    assert ada.texts(general)[-1] == '/rescue failed with the error "operation_timeout"'


def test_without_a_connection_a_command_fails_at_once(ada: Person, general: str) -> None:
    assert ada.post("command", channel=general, command="/rescue", text="")["error"] == "dispatch_failed"
    assert ada.post("command", channel=general, command="/unknown", text="")["error"] == "invalid_command"


def test_a_button_reaches_the_app_with_its_message_and_can_replace_it(
    app: App, client: WebClient, ada: Person, room: str
) -> None:
    told: list[Json] = []

    @app.action("yes")
    def replace(ack: Ack, body: Json, respond: Respond) -> None:
        ack()
        told.append(body)
        respond(text="Agreed", replace_original=True)

    ts = client.chat_postMessage(channel=room, text="Well?", blocks=[button_row("yes", "no")])["ts"]
    action = {"type": "button", "block_id": "row", "action_id": "yes", "value": "FORGED"}
    assert ada.post("action", channel=room, message_ts=ts, action=action)["ok"]
    wait_for(lambda: ada.texts(room)[-1] == "Agreed", "replacement")
    body = told[0]
    assert (body["user"]["id"], body["channel"]["id"], body["message"]["ts"]) == (ADA.id, room, ts)
    assert body["container"] == {"type": "message", "message_ts": ts, "channel_id": room, "is_ephemeral": False}
    assert body["actions"][0]["value"] == "YES"
    assert body["actions"][0]["action_ts"]
    assert "blocks" not in ada.sees(room)[-1]


def test_a_button_of_a_message_that_has_changed_since_is_still_heard(
    app: App, client: WebClient, ada: Person, room: str
) -> None:
    told: list[Json] = []

    @app.action("yes")
    def hear(ack: Ack, body: Json) -> None:
        ack()
        told.append(body)

    ts = client.chat_postMessage(channel=room, text="Well?", blocks=[button_row("yes")])["ts"]
    client.chat_update(channel=room, ts=ts, text="Well?", blocks=[{**button_row("yes"), "block_id": "new row"}])
    action = {"type": "button", "block_id": "row", "action_id": "yes"}
    assert ada.post("action", channel=room, message_ts=ts, action=action)["ok"]
    wait_for(lambda: bool(told), "the press")
    assert told[0]["actions"][0]["block_id"] == "new row"


def test_a_button_that_is_not_there_is_refused(client: WebClient, ada: Person, room: str) -> None:
    ts = client.chat_postMessage(channel=room, text="Well?", blocks=[button_row("yes")])["ts"]
    action = {"type": "button", "block_id": "row", "action_id": "other"}
    assert ada.post("action", channel=room, message_ts=ts, action=action)["error"] == "action_not_found"


def test_an_option_that_was_not_offered_is_refused(client: WebClient, ada: Person, room: str) -> None:
    offered = {"text": {"type": "plain_text", "text": "A"}, "value": "a"}
    select = {"type": "static_select", "action_id": "pick", "options": [offered]}
    blocks = [{"type": "actions", "block_id": "row", "elements": [select]}]
    ts = client.chat_postMessage(channel=room, text="Pick", blocks=blocks)["ts"]
    chosen = {"block_id": "row", "action_id": "pick", "selected_option": {**offered, "value": "root"}}
    assert ada.post("action", channel=room, message_ts=ts, action=chosen)["error"] == "option_not_found"


def test_an_ephemeral_message_is_acted_on_without_its_content(
    app: App, client: WebClient, ada: Person, ben: Person, room: str
) -> None:
    told: list[Json] = []

    @app.action("yes")
    def remove(ack: Ack, body: Json, respond: Respond) -> None:
        ack()
        told.append(body)
        respond(delete_original=True)

    posted = client.chat_postEphemeral(channel=room, user=ADA.id, text="psst", blocks=[button_row("yes")])
    press = {"channel": room, "message_ts": posted["message_ts"], "action": {"block_id": "row", "action_id": "yes"}}
    assert ben.post("action", **press)["error"] == "message_not_found"
    assert ada.post("action", **press)["ok"]
    wait_for(lambda: "psst" not in ada.texts(room), "deletion")
    assert "message" not in told[0]
    assert told[0]["container"]["is_ephemeral"] is True


def test_shortcuts(app: App, ada: Person, room: str) -> None:
    told: list[Json] = []

    def listen(ack: Ack, body: Json) -> None:
        ack()
        told.append(body)

    app.shortcut("bell")(listen)
    app.shortcut("keep")(listen)
    ts = ada.say(room, "Worth keeping")
    assert ada.post("shortcut", callback_id="bell")["ok"]
    assert ada.post("shortcut", callback_id="keep", channel=room, message_ts=ts)["ok"]
    wait_for(lambda: len(told) == 2, "shortcuts")
    assert [body["type"] for body in told] == ["shortcut", "message_action"]
    assert told[1]["message"]["text"] == "Worth keeping"
    assert ada.post("shortcut", callback_id="gong")["error"] == "shortcut_not_found"


def test_external_options(app: App, client: WebClient, ada: Person, room: str) -> None:
    @app.options("pick")
    def offer(ack: Ack, payload: Json) -> None:
        ack(options=[{"text": {"type": "plain_text", "text": payload["value"].upper()}, "value": "v"}])

    element = {"type": "external_select", "action_id": "pick"}
    blocks = [{"type": "actions", "block_id": "row", "elements": [element]}]
    ts = client.chat_postMessage(channel=room, text="Pick", blocks=blocks)["ts"]
    asked = {"channel": room, "message_ts": ts, "block_id": "row", "action_id": "pick", "value": "ro"}
    assert ada.post("options", **asked)["options"][0]["text"]["text"] == "RO"


def test_mentions_messages_and_reactions_are_told(app: App, client: WebClient, ada: Person, room: str) -> None:
    told: list[Json] = []
    for kind in ("app_mention", "message", "reaction_added"):
        app.event(kind)(functools.partial(note, told))

    def named(kind: str) -> list[Json]:
        return [event for event in told if event["type"] == kind]

    ts = ada.say(room, "hey @lifebuoy, @channel is down")
    ada.post("reaction", channel=room, ts=ts, name="eyes", add=True)
    wait_for(lambda: named("app_mention") and named("reaction_added") and named("message"), "events")
    bot = client.auth_test()["user_id"]
    assert named("app_mention")[0]["text"] == f"hey <@{bot}>, <!channel> is down"
    assert named("message")[0]["channel_type"] == "channel"
    assert named("reaction_added")[0]["item"] == {"type": "message", "channel": room, "ts": ts}


def test_what_happens_to_a_channel_is_told(workspace: Workspace, client: WebClient, ada: Person) -> None:
    with open_socket(workspace) as socket:
        receive(socket, "hello")
        own = client.conversations_create(name="before")["channel"]["id"]
        client.conversations_invite(channel=own, users=[ADA.id])
        receive_event(socket, type="member_joined_channel", user=ADA.id, channel=own)
        client.conversations_rename(channel=own, name="after")
        assert receive_event(socket, type="channel_rename")["payload"]["event"]["channel"]["name"] == "after"
        ts = client.chat_postMessage(channel=own, text="x")["ts"]
        client.pins_add(channel=own, timestamp=ts)
        receive_event(socket, type="pin_added", channel_id=own)
        client.chat_update(channel=own, ts=ts, text="y")
        edited = receive_event(socket, type="message", subtype="message_changed")["payload"]["event"]
        client.conversations_archive(channel=own)
        receive_event(socket, type="channel_archive", channel=own)
    assert edited["previous_message"]["ts"] == ts


def test_events_from_channels_without_the_app_are_not_told(app: App, ada: Person, general: str, room: str) -> None:
    told: list[str] = []
    app.event("message")(lambda event: told.append(event.get("text")))
    app.event("app_mention")(lambda event: told.append(event["text"]))
    ada.say(general, "hey @lifebuoy")
    ada.say(room, "heard")
    wait_for(lambda: told, "event")
    assert told == ["heard"]


def test_an_event_is_sent_again_until_acknowledged(workspace: Workspace, ada: Person, room: str) -> None:
    with open_socket(workspace) as socket:
        receive(socket, "hello")
        ada.say(room, "listen")
        attempts = [receive_event(socket, text="listen") for _ in range(3)]
        socket.send(json.dumps({"envelope_id": attempts[-1]["envelope_id"]}))
        ada.say(room, "next")
        following = receive_event(socket, type="message", user=ADA.id)
    assert [a["retry_attempt"] for a in attempts] == [0, 1, 2]
    assert [a["retry_reason"] for a in attempts] == ["", "timeout", "timeout"]
    assert len({a["payload"]["event_id"] for a in attempts}) == 1
    assert following["payload"]["event"]["text"] == "next"


def test_each_payload_goes_to_one_of_several_connections(connect: Callable[[], App], ada: Person, general: str) -> None:
    heard: list[int] = []
    lock = threading.Lock()
    for number in range(3):

        def answer(number: int, ack: Ack) -> None:
            ack()
            with lock:
                heard.append(number)

        connect().command("/rescue")(functools.partial(answer, number))
    for _ in range(6):
        assert ada.post("command", channel=general, command="/rescue", text="")["ok"]
    assert sorted(heard) == [0, 0, 1, 1, 2, 2]


def test_ten_connections_are_the_most(workspace: Workspace) -> None:
    with ExitStack() as stack:
        for number in range(1, 11):
            socket = stack.enter_context(open_socket(workspace))
            assert receive(socket, "hello")["num_connections"] == number
        eleventh = stack.enter_context(open_socket(workspace))
        assert receive(eleventh, "disconnect")["reason"] == "too_many_websockets"


def test_a_ticket_is_good_for_one_connection(workspace: Workspace) -> None:
    opened = make_socket_client(workspace).apps_connections_open(app_token=workspace.installed.app_token)
    with dial(opened["url"]) as socket:
        receive(socket, "hello")
        with pytest.raises(InvalidStatus), dial(opened["url"]):
            pass


def test_an_app_asked_to_reconnect_does_and_hears_the_next_command(
    app: App, workspace: Workspace, ada: Person, general: str
) -> None:
    app.command("/rescue")(lambda ack: ack("Here"))
    old = list(workspace.sockets.connections)
    workspace.run(workspace.sockets.ask_to_reconnect())
    wait_for(lambda: any(c not in old for c in workspace.sockets.connections), "new connection")
    wait_for(lambda: ada.post("command", channel=general, command="/rescue", text="")["ok"], "answer")


def test_a_connection_asked_to_leave_is_closed_once_another_is_there(workspace: Workspace) -> None:
    with open_socket(workspace) as old:
        receive(old, "hello")
        workspace.run(workspace.sockets.ask_to_reconnect("warning"))
        assert receive(old, "disconnect")["reason"] == "warning"
        with open_socket(workspace) as new:
            receive(new, "hello")
            with pytest.raises(ConnectionClosed):
                receive(old, "slash_commands")


def test_an_outage_cuts_connections_and_apps_come_back_after_it(
    workspace: Workspace, client: WebClient, ada: Person, general: str
) -> None:
    with open_socket(workspace) as socket:
        receive(socket, "hello")
        workspace.set_outage(True)
        with pytest.raises(ConnectionClosed):
            receive(socket, "slash_commands")
    assert ada.post("command", channel=general, command="/rescue", text="")["error"] == "dispatch_failed"
    workspace.set_outage(False)
    with open_socket(workspace) as socket:
        assert receive(socket, "hello")["type"] == "hello"
