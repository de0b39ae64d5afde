"""Server-Sent Events: what happens, to each page as its person may see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bot.sandbox.workspace.client.asking import Asking
from bot.sandbox.workspace.client.reading import look_at_stage
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

_KEEPALIVE_S = 15.0


async def stream(request: Request) -> Response:
    """`GET /client/events?user=U…`"""
    workspace: Workspace = request.app.state.workspace
    try:
        user = Asking(workspace, request.query_params).user
    except SlackError as refused:
        return JSONResponse(refused.envelope(), 404)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    queue = workspace.hub.open(user)
    return StreamingResponse(_lines(workspace, queue), media_type="text/event-stream", headers=headers)


async def watch_stage(workspace: Workspace) -> None:
    """Look at the stage now and then while somebody watches, and tell when it changed."""
    while True:
        await asyncio.sleep(workspace.timing.stage_poll_s)
        if workspace.hub.watching():
            await look_at_stage(workspace)


async def _lines(workspace: Workspace, queue: asyncio.Queue[Json | None]) -> AsyncIterator[str]:
    try:
        yield _line({"type": "hello"})
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), _KEEPALIVE_S)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if event is None:
                return
            yield _line(event)
    finally:
        workspace.hub.close(queue)


def _line(event: Json) -> str:
    return f"data: {json.dumps(event)}\n\n"
