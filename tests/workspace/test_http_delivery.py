"""Delivery to a request URL: bolt's Starlette adapter on a real port, and what a raw endpoint is sent."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
import uvicorn
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.routing import Route

from bot.sandbox.workspace import HttpDelivery, Workspace
from tests.workspace.conftest import Build, channel_id, make_client
from tests.workspace.modals import field, modal
from tests.workspace.people import ADA, Person
from tests.workspace.waiting import wait_for

Json = dict[str, Any]
SECRET = "0123456789abcdef"
Handle = Callable[[str, dict[str, str], str], tuple[int, dict[str, str], str]]


@contextmanager
def listen(handle: Handle) -> Iterator[str]:
    """An HTTP endpoint on a free port; `handle(path, headers, body)` answers status, headers, body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, headers, answer = handle(self.path, dict(self.headers.items()), body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def delivery() -> HttpDelivery:
    return HttpDelivery("http://127.0.0.1:9/", SECRET)


@pytest.fixture
def workspace(build: Build, delivery: HttpDelivery) -> Workspace:
    return build(delivery=delivery)


@contextmanager
def serve_bolt(app: App, delivery: HttpDelivery) -> Iterator[None]:
    """Serve a bolt app with its Starlette adapter, and point Slack at it."""
    handler = SlackRequestHandler(app)
    routes = [Route("/slack/events", handler.handle, methods=["POST"])]
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        delivery.request_url = f"http://127.0.0.1:{listening.getsockname()[1]}/slack/events"
        wait_for(lambda: server.started, "server")
        yield
    finally:
        server.should_exit = True
        thread.join()


def test_a_bolt_app_serves_commands_modals_and_events(
    workspace: Workspace, client: WebClient, delivery: HttpDelivery, ada: Person, room: str
) -> None:
    app = App(client=client, signing_secret=SECRET)
    heard: list[str] = []

    @app.command("/rescue")
    def answer(ack: Ack, command: Json, client: WebClient) -> None:
        ack("On it")
        client.views_open(trigger_id=command["trigger_id"], view=modal("first", field("why")))

    @app.view("first")
    def refuse(ack: Ack) -> None:
        ack(response_action="errors", errors={"why": "Say more"})

    app.event("app_mention")(lambda event: heard.append(event["text"]))
    with serve_bolt(app, delivery):
        assert workspace.run(delivery.verify_url())
        assert ada.post("command", channel=room, command="/rescue", text="")["ok"]
        wait_for(lambda: workspace.state.stacks.get(ADA.id), "modal")
        assert ada.submit(ada.open_view(), why="x") == {"ok": False, "errors": {"why": "Say more"}}
        ada.say(room, "@lifebuoy hello")
        wait_for(lambda: heard, "mention")
    assert "On it" in ada.texts(room)


def test_a_wrong_signature_is_refused_by_the_app(
    workspace: Workspace, client: WebClient, delivery: HttpDelivery, ada: Person, room: str
) -> None:
    app = App(client=client, signing_secret="another")
    with serve_bolt(app, delivery):
        assert ada.post("command", channel=room, command="/rescue", text="")["ok"] is False
        assert not workspace.run(delivery.verify_url())
    assert ada.texts(room)[-1] == '/rescue failed with the error "dispatch_unknown_error"'


def test_payloads_are_signed_and_encoded_as_slack_does(
    workspace: Workspace, delivery: HttpDelivery, ada: Person, room: str
) -> None:
    requests: list[tuple[dict[str, str], str]] = []

    def handle(_: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        requests.append((headers, body))
        return 200, {}, ""

    with listen(handle) as url:
        delivery.request_url = url
        ada.post("command", channel=room, command="/rescue", text="a & b")
        ada.post("shortcut", callback_id="bell")
        ada.say(room, "hello")
        wait_for(lambda: any("hello" in body for _, body in requests), "event")
    verifier = SignatureVerifier(SECRET)
    assert all(verifier.is_valid_request(body, headers) for headers, body in requests)
    forms = [parse_qs(body) for headers, body in requests if "form" in headers["Content-Type"]]
    command = next(form for form in forms if "command" in form)
    assert command["text"] == ["a &amp; b"]
    shortcut = json.loads(next(form for form in forms if "payload" in form)["payload"][0])
    assert shortcut["type"] == "shortcut"
    event = json.loads(next(body for _, body in requests if "hello" in body))
    assert event["type"] == "event_callback"


def test_a_slow_or_broken_endpoint_fails_and_events_are_repeated(
    workspace: Workspace, delivery: HttpDelivery, ada: Person, room: str
) -> None:
    seen: list[tuple[str | None, str | None]] = []

    def handle(_: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        if "listen" in body:
            seen.append((headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason")))
        return (500, {}, "") if len(seen) < 3 else (200, {}, "")

    with listen(handle) as url:
        delivery.request_url = url
        ada.say(room, "listen")
        wait_for(lambda: len(seen) == 3, "repeats")
    assert seen == [(None, None), ("1", "http_error"), ("2", "http_error")]


def test_an_app_can_ask_for_no_repeats(workspace: Workspace, delivery: HttpDelivery, ada: Person, room: str) -> None:
    bodies: list[str] = []

    def handle(_: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        bodies.append(body)
        return 500, {"X-Slack-No-Retry": "1"}, ""

    with listen(handle) as url:
        delivery.request_url = url
        ada.say(room, "first")
        wait_for(lambda: any("first" in body for body in bodies), "event")
        ada.say(room, "second")
        wait_for(lambda: any("second" in body for body in bodies), "event")
    assert sum('"text": "first"' in body for body in bodies) == 1


def test_a_response_url_is_good_five_times(
    workspace: Workspace, delivery: HttpDelivery, client: WebClient, ada: Person, room: str
) -> None:
    app = App(client=client, signing_secret=SECRET)
    codes: list[int] = []

    @app.command("/rescue")
    def answer(ack: Ack, respond: Respond) -> None:
        ack()
        codes.extend(respond(f"answer {number}").status_code for number in range(6))

    with serve_bolt(app, delivery):
        ada.post("command", channel=room, command="/rescue", text="")
        wait_for(lambda: len(codes) == 6, "answers")
    assert codes == [200] * 5 + [404]
    assert [text for text in ada.texts(room) if text.startswith("answer")] == [f"answer {n}" for n in range(5)]


def test_an_endpoint_that_cannot_be_reached(workspace: Workspace, ada: Person) -> None:
    general = channel_id(workspace, "general")
    assert ada.post("command", channel=general, command="/rescue", text="")["error"] == "dispatch_failed"
    assert make_client(workspace).auth_test()["ok"]
