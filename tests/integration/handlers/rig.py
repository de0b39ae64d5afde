"""The real bot in this process, between a store and a served workspace; and people who use it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler

from bot.app import build_bolt, build_services
from bot.clock import utc_now
from bot.policy import Policy, default_policy_path, load_policy
from bot.policy.plain_yaml import load_plain
from bot.sandbox.actor import Actor
from bot.sandbox.actor import wait_for as wait_until
from bot.sandbox.people import BYSTANDER, list_members
from bot.sandbox.workspace import HttpDelivery, StartChannel, Timing, Workspace, build_workspace, serve
from bot.services import Services
from bot.settings import manifest_path
from bot.slack.channels import join_or_create
from bot.store.tables import Delivery, Incident
from bot.web.server import build_web, serve_web
from tests.integration.store.stores import lay_down
from tests.quiet_policy import keep_quiet
from tests.workspace.conftest import hang_up

Json = dict[str, Any]
LOBBY = "traitortrack-incidents"
DELIVERIES = ("socket", "http")
SECRET = "0123456789abcdef0123456789abcdef"
WEB_URL = "https://holdfast.example.com/bot"
"""Where a browser would find the incident pages, were there a proxy."""
WAIT_S = 20.0


class Human(Actor):
    """A person in the workspace, with what only they were told."""

    def ask(self, text: str, command: str = "/incident", channel: str = "") -> Json:
        """Type a command; the answer that only this person sees, empty where there is none."""
        channel = channel or self.lobby
        members = self.workspace.state.channels[channel].members
        wait_until("the invitation", lambda: self.user_id in members or None, WAIT_S)
        before = self.told(channel)
        self.type_command(channel, command, text)
        new = self.told(channel)[len(before) :]
        return new[-1] if new else {}

    def write(self, channel: str, text: str, thread_ts: str = "") -> str:
        """Write a message; the answer is its ts."""
        return str(self._post("message", channel=channel, text=text, thread_ts=thread_ts)["message"]["ts"])

    def react(self, channel: str, ts: str, name: str, *, add: bool = True) -> None:
        self._post("reaction", channel=channel, ts=ts, name=name, add=add)

    def edit(self, channel: str, ts: str, text: str) -> None:
        self._post("message/edit", channel=channel, ts=ts, text=text)

    def delete(self, channel: str, ts: str) -> None:
        self._post("message/delete", channel=channel, ts=ts)

    def use_shortcut(self, callback_id: str, channel: str = "", ts: str = "") -> None:
        self._post("shortcut", callback_id=callback_id, channel=channel, message_ts=ts)

    def mention(self, channel: str, text: str, thread_ts: str = "") -> Json:
        """Speak to the bot; the answer that only this person sees."""
        before = len(self.told(channel))
        self.write(channel, f"<@{self.workspace.installed.bot_user_id}> {text}", thread_ts)
        return wait_until("an answer", lambda: self.told(channel)[before:] or None, WAIT_S)[-1]

    def told(self, channel: str = "") -> list[Json]:
        place = self.workspace.state.channels[channel or self.lobby]
        return [message for message in list(place.ephemerals) if message["for_user"] == self.user_id]

    @property
    def lobby(self) -> str:
        return find_channel(self.workspace, LOBBY)


@dataclass(frozen=True)
class Bot:
    """The bot's services, the workspace that it is in, and the policy's people in it."""

    services: Services
    workspace: Workspace
    policy: Policy
    url: str = ""

    def human(self, key: str) -> Human:
        return Human(self.workspace, f"U0{key.upper()}")

    @property
    def bystander(self) -> Human:
        return Human(self.workspace, BYSTANDER.id)

    def room(self, incident_id: int) -> str:
        """The id of an incident's channel, once it is open."""
        desk = self.services.desk
        return wait_until("the room", lambda: desk.find(incident_id).channel_id, WAIT_S)

    def settle(self) -> None:
        """Wait until everything that was to be said has been said."""
        wait_until("quiet", lambda: self._is_quiet() or None, WAIT_S)

    def texts(self, channel: str) -> list[str]:
        """What the bot said in a channel, oldest first."""
        bot = self.workspace.installed.bot_user_id
        messages = self.workspace.state.channels[channel].messages
        return [one["text"] for one in list(messages.values()) if one.get("user") == bot and not one.get("subtype")]

    def clear(self) -> None:
        """Nothing is open any more, and nobody is told: in time for the next test."""
        ended = sa.update(Incident).where(Incident.resolved_at.is_(None))
        with self.services.database.write() as session:
            session.execute(ended.values(resolved_at=utc_now(), status="resolved"))

    def _is_quiet(self) -> bool:
        with self.services.database.read() as session:
            unsaid = session.scalar(sa.select(Delivery.id).where(Delivery.state.not_in(("sent", "failed"))).limit(1))
        return unsaid is None and self.services.engine.pending() == 0


def find_channel(workspace: Workspace, name: str) -> str:
    channel = workspace.state.channel_named(name)
    assert channel is not None
    return channel.id


def make_workspace(policy: Policy, delivery: HttpDelivery | None = None, **options: Any) -> Workspace:
    manifest = load_plain(manifest_path())
    return build_workspace(
        list_members(policy), manifest=manifest, delivery=delivery, channels=[StartChannel(LOBBY)],
        timing=Timing(retry_delays_s=(0.0, 0.05, 0.05)), **options,
    )  # fmt: skip


def make_environment(workspace: Workspace, folder: Path, how: str) -> dict[str, str]:
    """What the bot is started with. It knows no database to recover: these tests are about the desk."""
    found = {
        **workspace.environment,
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "HOLDFAST_DATABASE_URL": f"sqlite:///{folder / 'holdfast.db'}",
        "HOLDFAST_POLICY": str(keep_quiet(Path(shutil.copy(default_policy_path(), folder / "policy.yml")))),
        "ALERTS_SECRET": SECRET,
        "HOLDFAST_WEB_URL": WEB_URL,
        "HOLDFAST_WEB_SECRET": SECRET,
    }
    if how == "http":
        del found["SLACK_APP_TOKEN"]
        found["SLACK_SIGNING_SECRET"] = SECRET
    return found


@contextmanager
def run_bot(how: str, folder: Path, *, lead: bool = True) -> Iterator[Bot]:
    """The whole bot over Socket Mode or HTTP, as `holdfast serve` puts it together."""
    policy = load_policy(None)
    delivery = HttpDelivery("http://127.0.0.1:9/", SECRET) if how == "http" else None
    workspace = make_workspace(policy, delivery)
    with serve(workspace):
        lay_down(folder / "holdfast.db", engine=True)
        services = build_services(make_environment(workspace, folder, how))
        bolt = build_bolt(services)
        connect = _over_http(services, bolt, delivery) if delivery else _over_socket(workspace, bolt)
        with connect as url:
            join_or_create(services.slack, LOBBY)
            if lead:
                services.engine.lead()
            try:
                yield Bot(services, workspace, policy, url)
            finally:
                services.engine.stop()
                services.database.close()


@contextmanager
def _over_http(services: Services, bolt: App, delivery: HttpDelivery) -> Iterator[str]:
    with serve_web(build_web(services, bolt), "127.0.0.1", 0) as port:
        delivery.request_url = f"http://127.0.0.1:{port}/slack/events"
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _over_socket(workspace: Workspace, bolt: App) -> Iterator[str]:
    handler = SocketModeHandler(bolt, workspace.installed.app_token)
    handler.connect()  # type: ignore[no-untyped-call]
    wait_until("connection", lambda: bool(workspace.sockets.connections) or None, WAIT_S)
    try:
        yield ""
    finally:
        hang_up(workspace, handler)


def run_at_once(*works: Any) -> None:
    """Run things side by side, as several people do; an exception in one is raised here."""
    errors: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (handed to the test)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def show(message: Mapping[str, Any]) -> str:
    """Everything that can be read in a message: its text and every text in its blocks."""
    return "\n".join([str(message.get("text", "")), *_texts(message.get("blocks") or [])])


def _texts(shape: object) -> Iterator[str]:
    if isinstance(shape, dict):
        for name, value in shape.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(shape, list):
        for one in shape:
            yield from _texts(one)
