"""A served workspace, the app's client, people, and a real slack-bolt app over Socket Mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.workspace import StartChannel, Timing, Workspace, build_workspace, serve
from tests.workspace.manifest import make_manifest
from tests.workspace.people import ADA, BEN, CLEO, KEEPERS, PEOPLE, Person
from tests.workspace.waiting import wait_for

QUICK = Timing(ack_s=0.6, retry_delays_s=(0.0, 0.05, 0.05), stage_poll_s=0.05)


class Clock:
    """A clock that is set by hand; seconds since the epoch."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


Build = Callable[..., Workspace]


@pytest.fixture
def build() -> Iterator[Build]:
    """Build and serve a workspace with other settings than usual."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Workspace:
            settings = {"manifest": make_manifest(), "timing": QUICK, "usergroups": [KEEPERS], **settings}
            workspace = build_workspace(PEOPLE, channels=[StartChannel("incidents")], **settings)
            stack.enter_context(serve(workspace))
            return workspace

        yield make


@pytest.fixture
def workspace(build: Build) -> Workspace:
    return build()


@pytest.fixture
def client(workspace: Workspace) -> WebClient:
    return make_client(workspace)


def make_client(workspace: Workspace) -> WebClient:
    return WebClient(workspace.installed.bot_token, base_url=f"{workspace.base_url}/api/")


def refusal(client: WebClient, method: str, **arguments: Any) -> str:
    """The error code with which a call is refused."""
    with pytest.raises(SlackApiError) as refused:
        client.api_call(method, json=arguments)
    return str(refused.value.response["error"])


@pytest.fixture
def ada(workspace: Workspace) -> Person:
    return Person(workspace, ADA)


@pytest.fixture
def ben(workspace: Workspace) -> Person:
    return Person(workspace, BEN)


@pytest.fixture
def cleo(workspace: Workspace) -> Person:
    return Person(workspace, CLEO)


def channel_id(workspace: Workspace, name: str) -> str:
    channel = workspace.state.channel_named(name)
    assert channel is not None
    return channel.id


@pytest.fixture
def general(workspace: Workspace) -> str:
    """#general's id; the app is not in it."""
    return channel_id(workspace, "general")


@pytest.fixture
def room(workspace: Workspace, client: WebClient) -> str:
    """#incidents' id; the app has joined it."""
    incidents = channel_id(workspace, "incidents")
    client.conversations_join(channel=incidents)
    return incidents


@pytest.fixture
def connect(client: WebClient, workspace: Workspace) -> Iterator[Callable[[], App]]:
    """Make a bolt app; `connect()` returns it, connected over Socket Mode, to be given listeners."""
    with ExitStack() as stack:

        def start() -> App:
            app = App(client=client)
            handler = SocketModeHandler(app, workspace.installed.app_token, web_client=make_socket_client(workspace))
            stack.callback(hang_up, workspace, handler)
            before = len(workspace.sockets.connections)
            handler.connect()  # type: ignore[no-untyped-call]
            wait_for(lambda: len(workspace.sockets.connections) > before, "connection")
            return app

        yield start


def hang_up(workspace: Workspace, handler: SocketModeHandler) -> None:
    """Close from the server's side first, and wake the queue: the client's own close waits for their timeouts."""
    handler.client.auto_reconnect_enabled = False
    handler.client.default_auto_reconnect_enabled = False
    workspace.run(workspace.sockets.cut())
    wait_for(lambda: not handler.client.is_connected(), "end of the connection")
    handler.client.closed = True
    handler.client.message_queue.put("")
    handler.close()  # type: ignore[no-untyped-call]


def make_socket_client(workspace: Workspace) -> WebClient:
    return WebClient(base_url=f"{workspace.base_url}/api/")


@pytest.fixture
def app(connect: Callable[[], App]) -> App:
    return connect()
