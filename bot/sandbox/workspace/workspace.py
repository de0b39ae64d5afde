"""The workspace as one object: what it holds, the app installed in it, and the switches on it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.applications import Starlette

from bot.sandbox.workspace.delivery.envelope import Delivery, DeliveryFailed, Envelope
from bot.sandbox.workspace.delivery.socket import SocketDelivery
from bot.sandbox.workspace.faults import Faults, Recorder
from bot.sandbox.workspace.hub import Hub
from bot.sandbox.workspace.identifiers import Clock, Identifiers
from bot.sandbox.workspace.manifest import AppManifest
from bot.sandbox.workspace.rates import RateLimits
from bot.sandbox.workspace.stage import EmptyStage, Stage
from bot.sandbox.workspace.state import Channel, State, User
from bot.sandbox.workspace.triggers import Triggers
from bot.sandbox.workspace.vendor import Json

T = TypeVar("T")


@dataclass(frozen=True)
class Timing:
    """Slack's times, all in seconds: to acknowledge, to use a trigger, between an event's repeats,
    and how long a response_url lives; `stage_poll_s` is how often the stage's lights are looked at."""

    ack_s: float = 3.0
    trigger_s: float = 3.0
    retry_delays_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    response_url_s: float = 1800.0
    stage_poll_s: float = 2.0


@dataclass(frozen=True)
class InstalledApp:
    """The app's ids and tokens in this workspace."""

    id: str
    bot_id: str
    bot_user_id: str
    bot_token: str
    app_token: str
    signing_secret: str


@dataclass
class ResponseUrl:
    """One response_url: what it may replace and how often it was used."""

    user: str
    channel: str
    issued_at: float
    message_ts: str | None = None
    is_ephemeral: bool = False
    uses: int = 0


@dataclass
class Workspace:
    """The handle on a running workspace. `app` is the ASGI application; `base_url` is known once served."""

    state: State
    manifest: AppManifest
    installed: InstalledApp
    clock: Clock
    timing: Timing
    ids: Identifiers
    sockets: SocketDelivery
    delivery: Delivery
    triggers: Triggers
    rates: RateLimits
    stage: Stage = field(default_factory=EmptyStage)
    stage_told: Json = field(default_factory=dict)
    hub: Hub = field(default_factory=Hub)
    faults: Faults = field(default_factory=Faults)
    recorder: Recorder = field(default_factory=Recorder)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    base_url: str = ""
    app: Starlette = field(default_factory=Starlette)
    loop: asyncio.AbstractEventLoop | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def bot_user(self) -> User:
        """The app's bot user."""
        return self.state.users[self.installed.bot_user_id]

    @property
    def environment(self) -> dict[str, str]:
        """What an app needs in its environment to connect here."""
        return {
            "SLACK_API_URL": f"{self.base_url}/api/",
            "SLACK_BOT_TOKEN": self.installed.bot_token,
            "SLACK_APP_TOKEN": self.installed.app_token,
            "SLACK_SIGNING_SECRET": self.installed.signing_secret,
        }

    def now(self) -> int:
        """Whole seconds since the epoch."""
        return int(self.clock())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background, on the loop that serves the workspace."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 10.0) -> T:
        """From another thread: run something on the serving loop and wait for it."""
        if self.loop is None:
            raise RuntimeError("the workspace is not being served")
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def set_outage(self, is_out: bool) -> None:
        """From another thread: switch Slack off (open connections are cut) or on again."""
        self.faults.outage = is_out
        if is_out:
            self.run(self.sockets.cut())

    def stop(self) -> None:
        """End streams and background work, so that the server can go."""
        self.hub.close_all()
        for task in list(self._tasks):
            task.cancel()

    async def deliver(self, envelope: Envelope) -> Json:
        """Hand something to the app and return its acknowledgement; raises DeliveryFailed."""
        if self.faults.outage:
            raise DeliveryFailed("no_connection")
        return await self.delivery.deliver(envelope, self.timing.ack_s)

    def issue_response_url(
        self, user: str, channel: str, message_ts: str | None = None, *, is_ephemeral: bool = False
    ) -> str:
        """A fresh response_url for an interaction in this channel."""
        path = f"{self.state.team_id}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        self.response_urls[path] = ResponseUrl(user, channel, self.clock(), message_ts, is_ephemeral)
        return f"{self.base_url}/response/{path}"

    def team(self) -> Json:
        """The team object in interaction payloads."""
        return {"id": self.state.team_id, "domain": self.state.team_domain}

    def bot_is_in(self, channel: Channel) -> bool:
        """Is the app a member?"""
        return self.installed.bot_user_id in channel.members
