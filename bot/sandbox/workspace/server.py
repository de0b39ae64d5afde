"""Puts a workspace together: its people, its installed app, and the routes that serve them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.sandbox.workspace import files, web_api
from bot.sandbox.workspace.answers import handle_response_url
from bot.sandbox.workspace.client import acting, reading
from bot.sandbox.workspace.client.asking import endpoint
from bot.sandbox.workspace.client.stream import stream, watch_stage
from bot.sandbox.workspace.delivery.envelope import Delivery
from bot.sandbox.workspace.delivery.socket import SocketDelivery
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.faults import Faults
from bot.sandbox.workspace.identifiers import Clock, Identifiers
from bot.sandbox.workspace.manifest import AppManifest
from bot.sandbox.workspace.people import Member, StartChannel, Usergroup
from bot.sandbox.workspace.rates import RateLimits
from bot.sandbox.workspace.stage import EmptyStage, Stage
from bot.sandbox.workspace.state import Channel, Note, State, User
from bot.sandbox.workspace.triggers import Triggers
from bot.sandbox.workspace.workspace import InstalledApp, Timing, Workspace

_DEFAULT_TIMING = Timing()


def build_workspace(
    people: Sequence[Member],
    *,
    manifest: Mapping[str, Any],
    stage: Stage | None = None,
    page_routes: Sequence[BaseRoute] = (),
    delivery: Delivery | None = None,
    latency_s: float = 0.0,
    clock: Clock = time.time,
    timing: Timing = _DEFAULT_TIMING,
    usergroups: Sequence[Usergroup] = (),
    channels: Sequence[StartChannel] = (),
    team_name: str = "TraitorTrack",
    team_domain: str = "traitortrack",
) -> Workspace:
    """A workspace with these people in #general and the app of `manifest` installed.

    `delivery` is how the app is reached (Socket Mode unless given); `latency_s` seconds are added to each
    Web API call; `clock` gives seconds since the epoch. The ASGI application is `.app`; run it with `serve`.
    """
    ids, parsed = Identifiers(clock), AppManifest.parse(manifest)
    installed = _install(ids)
    sockets = SocketDelivery(installed.id)
    workspace = Workspace(
        state=State(ids.new("T"), team_name, team_domain),
        manifest=parsed,
        installed=installed,
        clock=clock,
        timing=timing,
        ids=ids,
        sockets=sockets,
        delivery=delivery or sockets,
        triggers=Triggers(clock, timing.trigger_s),
        rates=RateLimits(clock),
        stage=stage or EmptyStage(),
        faults=Faults(latency_s=latency_s),
    )
    _settle(workspace, people, usergroups)
    for start in (StartChannel("general", topic="Everything and everybody"), *channels):
        _add_channel(workspace, start, [person.id for person in people])
    workspace.app = Starlette(routes=[*_routes(), *page_routes], lifespan=_lifespan)
    workspace.app.state.workspace = workspace
    return workspace


def _install(ids: Identifiers) -> InstalledApp:
    app_id = ids.new("A")
    return InstalledApp(
        id=app_id,
        bot_id=ids.new("B"),
        bot_user_id=ids.new("U"),
        bot_token=f"xoxb-{secrets.randbelow(10**12)}-{secrets.randbelow(10**13)}-{secrets.token_hex(12)}",
        app_token=f"xapp-1-{app_id}-{secrets.randbelow(10**13)}-{secrets.token_hex(32)}",
        signing_secret=secrets.token_hex(16),
    )


def _settle(workspace: Workspace, people: Sequence[Member], usergroups: Sequence[Usergroup]) -> None:
    users = workspace.state.users
    for person in people:
        users[person.id] = User(person.id, person.name, person.real_name, person.email, person.title, person.tz)
    bot, name = workspace.installed.bot_user_id, workspace.manifest.bot_name
    users[bot] = User(bot, name.lower().replace(" ", "_"), name, "", "", "UTC", is_bot=True)
    users["USLACKBOT"] = User("USLACKBOT", "slackbot", "Slackbot", "", "", "UTC", is_bot=True)
    workspace.state.usergroups = {group.id: group for group in usergroups}


def _add_channel(workspace: Workspace, start: StartChannel, everybody: Sequence[str]) -> None:
    members = list(everybody if start.members is None else start.members)
    creator = members[0] if members else "USLACKBOT"
    channel = Channel(
        workspace.ids.new("C"),
        start.name,
        creator,
        workspace.now(),
        is_private=start.is_private,
        is_general=start.name == "general",
        topic=Note(start.topic, creator, workspace.now()) if start.topic else Note(),
        purpose=Note(start.purpose, creator, workspace.now()) if start.purpose else Note(),
        members=dict.fromkeys(members),
    )
    workspace.state.channels[channel.id] = channel


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    workspace: Workspace = app.state.workspace
    workspace.loop = asyncio.get_running_loop()
    workspace.spawn(watch_stage(workspace))
    yield
    workspace.stop()
    workspace.loop = None


def _routes() -> list[BaseRoute]:
    reads = {
        "boot": reading.boot,
        "messages": reading.list_messages,
        "home": reading.home,
        "stage": reading.stage,
    }
    acts = {
        "message": acting.send_message,
        "message/edit": acting.edit_message,
        "message/delete": acting.delete_message,
        "command": acting.run_command,
        "action": acting.act,
        "view_submit": acting.submit_view,
        "view_close": acting.close_view,
        "options": acting.suggest_options,
        "shortcut": acting.run_shortcut,
        "reaction": acting.react,
        "read": acting.mark_read,
        "dm": acting.open_direct,
        "join": acting.join,
        "leave": acting.leave,
        "invite": acting.invite,
        "channel": acting.make_channel,
        "upload": acting.upload,
        "stage/scenario": acting.pull_scenario,
    }
    return [
        Route("/api/{method:path}", web_api.handle, methods=["GET", "POST"]),
        WebSocketRoute("/link/", _link),
        Route("/response/{path:path}", handle_response_url, methods=["POST"]),
        Route("/upload/v1/{file}/{key}", _receive_upload, methods=["POST", "PUT"]),
        Route("/files-pri/{name:path}", _send_file),
        Route("/archives/{channel}/{message}", _open_message),
        Route("/client/events", stream),
        *(Route(f"/client/{name}", endpoint(answer)) for name, answer in reads.items()),
        *(Route(f"/client/{name}", endpoint(answer), methods=["POST"]) for name, answer in acts.items()),
    ]


async def _link(websocket: WebSocket) -> None:
    workspace: Workspace = websocket.app.state.workspace
    if workspace.faults.outage:
        await websocket.close(code=1013)
        return
    await workspace.sockets.serve(websocket)


async def _receive_upload(request: Request) -> Response:
    """The bytes of a file: the raw body, or the only file of a form."""
    workspace: Workspace = request.app.state.workspace
    file = workspace.state.files.get(request.path_params["file"])
    if file is None or file.key != request.path_params["key"]:
        return PlainTextResponse("upload not found", 404)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await request.form()
        sent = next((value for value in form.values() if not isinstance(value, str)), None)
        content = await sent.read() if sent else b""
    else:
        content = await request.body()
    try:
        files.receive(file, content)
    except SlackError as refused:
        return PlainTextResponse(refused.code, 400)
    return PlainTextResponse(f"OK - {len(content)}")


async def _send_file(request: Request) -> Response:
    """A file's bytes, for the app's token or the page's key."""
    workspace: Workspace = request.app.state.workspace
    file_id = request.path_params["name"].partition("/")[0].partition("-")[2]
    file = workspace.state.files.get(file_id)
    if file is None or file.content is None:
        return PlainTextResponse("not found", 404)
    token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if token != workspace.installed.bot_token and request.query_params.get("key") != file.key:
        return PlainTextResponse("sign in to see this file", 403)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return Response(file.content, media_type=file.mimetype, headers=headers)


async def _open_message(request: Request) -> Response:
    """A permalink: the page, at that message."""
    digits = request.path_params["message"].removeprefix("p")
    ts = f"{digits[:-6]}.{digits[-6:]}"
    thread = request.query_params.get("thread_ts")
    address = f"/?channel={request.path_params['channel']}&ts={ts}"
    return RedirectResponse(f"{address}&thread_ts={thread}" if thread else address)
