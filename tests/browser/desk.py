"""A small app on a real workspace, over Socket Mode: it opens forms, publishes a Home, and notes what people do."""

import json
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox.page.routes import page_routes
from bot.sandbox.workspace import Member, StartChannel, Usergroup, Workspace, build_workspace, serve
from tests.browser import exhibits
from tests.browser.deadline import wait_until

MAYA = Member("U0COORD", "maya", "Maya Okafor", "maya@example.org", "DR Coordinator", "Europe/Berlin")
JONAS = Member("U0DBA", "jonas", "Jonas Lindqvist", "jonas@example.org", "Database Admin", "America/New_York")
PRIYA = Member("U0OPS", "priya", "Priya Raman", "priya@example.org", "DevOps Engineer", "Asia/Kolkata")
ELIF = Member("U0SEC", "elif", "Elif Demir", "elif@example.org", "Security Officer", "Europe/Istanbul")
TOMAS = Member("U0COM", "tomas", "Tomás Rivera", "tomas@example.org", "Communications Lead", "Europe/Madrid")
ANA = Member("U0BY", "ana", "Ana Kowalska", "ana@example.org", "Warehouse Clerk", "Europe/Warsaw")
PEOPLE = (MAYA, JONAS, PRIYA, ELIF, TOMAS, ANA)
DBAS = Usergroup("S0DBA", "dbas", "Database people", [JONAS.id])
TAKEN = "Bags are missing"
ANYTHING = re.compile(".*")
HOSTS = ("db-1", "db-2", "web-1")

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Holdfast"},
    "features": {
        "bot_user": {"display_name": "Holdfast"},
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "slash_commands": [
            {
                "command": "/incident",
                "description": "Run an incident",
                "usage_hint": "declare|update|status|resolve",
                "should_escape": True,
            },
            {"command": "/dr", "description": "Disaster recovery", "usage_hint": "diagnose|backup|restore"},
            {"command": "/deaf", "description": "Never answers"},
        ],
        "shortcuts": [
            {"name": "Add to timeline", "type": "message", "callback_id": "timeline", "description": "Keep it"},
            {"name": "Declare an incident", "type": "global", "callback_id": "declare", "description": "The form"},
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                *("bookmarks:write", "channels:history", "channels:join", "channels:manage", "channels:read"),
                *("chat:write", "commands", "files:read", "files:write", "groups:write", "im:history", "im:write"),
                *("pins:write", "reactions:write", "users:read"),
            ]
        }
    },
    "settings": {"event_subscriptions": {"bot_events": ["app_home_opened"]}, "interactivity": {"is_enabled": True}},
}


@dataclass
class Stage:
    """A stage with one thing to break."""

    bags: int = 50_000
    pulled: list[str] = field(default_factory=list)

    def scenarios(self) -> list[dict[str, str]]:
        """Two scenarios, one of which does nothing."""
        return [
            {"name": "lost-bags", "title": "Lost bags", "description": "A bad script deletes most bags."},
            {"name": "app-down", "title": "Application down", "description": "The warehouse application stops."},
        ]

    def lights(self) -> list[dict[str, str]]:
        """The warehouse is well while it has its bags."""
        state = "ok" if self.bags == 50_000 else "down"
        return [
            {"name": "warehouse", "state": state, "detail": f"{self.bags:,} bags"},
            {"name": "bot", "state": "ok", "detail": "Connected"},
        ]

    def pull(self, name: str) -> str:
        """Break it."""
        self.pulled.append(name)
        self.bags = 612
        return "Deleted 49,388 bags."


@dataclass
class Desk:
    """The workspace, the app's client in it, and what people did, in order: ("action", payload) and so on."""

    workspace: Workspace
    client: WebClient
    stage: Stage
    seen: "queue.Queue[tuple[str, dict[str, Any]]]" = field(default_factory=queue.Queue)
    may_answer: threading.Event = field(default_factory=threading.Event)
    connection: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.workspace.base_url

    def disconnect(self) -> None:
        """The app goes away."""
        self.connection.close()

    def channel(self, name: str = "general") -> str:
        """A channel's id."""
        channel = self.workspace.state.channel_named(name)
        assert channel is not None
        return channel.id

    def heard(self, kind: str, deadline_s: float = 10.0) -> dict[str, Any]:
        """The next payload; it must be of this kind."""
        found, payload = self.seen.get(timeout=deadline_s)
        assert found == kind, (found, payload)
        return payload

    def post(self, text: str = "…", channel: str = "general", **more: Any) -> str:
        """Write as the app; the ts."""
        blocks = json.loads(json.dumps(more).replace("C0GENERAL", self.channel()))
        answer = self.client.chat_postMessage(channel=self.channel(channel), text=text, **blocks)
        return str(answer["ts"])


@contextmanager
def open_desk() -> Iterator[Desk]:
    """A workspace with its page and the app connected to it."""
    stage = Stage()
    workspace = build_workspace(
        PEOPLE,
        manifest=MANIFEST,
        stage=stage,
        page_routes=page_routes(),
        usergroups=[DBAS],
        channels=[
            StartChannel("incidents"),
            StartChannel("lounge", members=[JONAS.id]),
            StartChannel("security-desk", is_private=True, members=[ELIF.id]),
        ],
        team_name="Traitor Track",
    )
    with serve(workspace):
        client = WebClient(workspace.installed.bot_token, base_url=f"{workspace.base_url}/api/")
        desk = Desk(workspace, client, stage)
        for name in ("general", "incidents"):
            client.conversations_join(channel=desk.channel(name))
        with desk.connection:
            desk.connection.enter_context(connect(desk))
            yield desk


@contextmanager
def connect(desk: Desk) -> Iterator[None]:
    """Hold the app's Socket Mode connection."""
    app = App(client=desk.client, process_before_response=False)
    listen(app, desk)
    sockets = WebClient(base_url=f"{desk.workspace.base_url}/api/")
    handler = SocketModeHandler(app, desk.workspace.installed.app_token, web_client=sockets)
    handler.connect()  # type: ignore[no-untyped-call]
    wait_until(lambda: bool(desk.workspace.sockets.connections), "the app is connected")
    try:
        yield
    finally:
        # The library takes a second or more to stop its threads, and nobody needs to wait for that.
        threading.Thread(target=handler.close, name="closing").start()
        wait_until(lambda: not desk.workspace.sockets.connections, "the app is gone")


def listen(app: App, desk: Desk) -> None:
    """What the app does when people do something; what it does not know by name it notes."""
    answer_commands(app, desk)
    answer_actions(app, desk)

    @app.action(ANYTHING)
    def note_action(ack: Any, body: dict[str, Any]) -> None:
        ack()
        desk.seen.put(("action", body))

    @app.shortcut(ANYTHING)
    def note_shortcut(ack: Any, body: dict[str, Any]) -> None:
        ack()
        desk.seen.put(("shortcut", body))

    @app.options(ANYTHING)
    def list_hosts(ack: Any, payload: dict[str, Any]) -> None:
        ack(options=[exhibits.option(host, host) for host in HOSTS if payload["value"] in host])

    @app.event("app_home_opened")
    def publish_home(event: dict[str, Any], client: WebClient) -> None:
        client.views_publish(user_id=event["user"], view=exhibits.HOME)


def answer_commands(app: App, desk: Desk) -> None:
    """/incident declare opens the form, which refuses a title that is taken; /dr answers for one pair of eyes."""
    form = json.loads(json.dumps(exhibits.FORM).replace("C0GENERAL", desk.channel()))

    @app.command("/incident")
    def run_incident(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        desk.seen.put(("command", body))
        if body["text"] == "declare":
            client.views_open(trigger_id=body["trigger_id"], view=form)

    @app.command("/dr")
    def run_dr(ack: Any, body: dict[str, Any]) -> None:
        ack(f"Only you see this: {body['text']}")
        desk.seen.put(("command", body))

    @app.view("declare")
    def declare(ack: Any, body: dict[str, Any]) -> None:
        if body["view"]["state"]["values"]["title"]["title"]["value"] == TAKEN:
            ack(response_action="errors", errors={"title": "There is an incident of that name already."})
        else:
            ack()
            desk.seen.put(("submission", body))


def answer_actions(app: App, desk: Desk) -> None:
    """Details opens a view, whose buttons push another and update it. Approve answers when the test lets it."""

    @app.action("approve")
    def approve(ack: Any, body: dict[str, Any]) -> None:
        desk.may_answer.wait(timeout=2)
        ack()
        desk.seen.put(("action", body))

    @app.action("details")
    def show_details(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=details("Details", "push", "What more there is"))

    @app.action("push")
    def push_more(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_push(trigger_id=body["trigger_id"], view=details("More details", "refresh", "Refresh"))

    @app.action("refresh")
    def refresh(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_update(view_id=body["view"]["id"], view=details("More details", "refresh", "Refreshed"))


def details(title: str, action_id: str, label: str) -> dict[str, Any]:
    """A modal with one button and one input."""
    return {
        "type": "modal",
        "title": exhibits.plain(title),
        "blocks": [
            {
                "type": "actions",
                "block_id": "do",
                "elements": [{"type": "button", "action_id": action_id, "text": exhibits.plain(label)}],
            },
            {
                "type": "input",
                "block_id": "note",
                "optional": True,
                "label": exhibits.plain("Note"),
                "element": {"type": "plain_text_input", "action_id": "note"},
            },
        ],
        "submit": exhibits.plain("Done"),
    }
